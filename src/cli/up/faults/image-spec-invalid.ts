import type { PracticeFault } from './fault.ts';
import { fleetPaths, inFile } from './places.ts';

export const imageSpecInvalid: PracticeFault = {
  code: 'image-spec-invalid',
  broken: 'The ImageRepository names an image with a tag.',
  files: (files) => inFile(files, fleetPaths.images, 'zenler/mainapp', 'zenler/mainapp:1.0.0'),
};
