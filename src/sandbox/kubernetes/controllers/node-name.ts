/** The name of the one node. */
export const nodeName = 'sandbox';
