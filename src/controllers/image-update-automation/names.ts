/** Field manager and event source, as Flux has it. */
export const automationComponent = 'image-automation-controller';
