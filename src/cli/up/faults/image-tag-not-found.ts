import type { PracticeFault } from './fault.ts';
import { fleetPaths, inFile } from './places.ts';

export const imageTagNotFound: PracticeFault = {
  code: 'image-tag-not-found',
  broken: 'A sidecar of the Deployment runs zenler/mainapp:1.0.0-debug, a tag that was never pushed.',
  files: (files) =>
    inFile(
      files,
      fleetPaths.deployment,
      /( +)- name: mainapp\n +image: (\S+):1\.0\.0/,
      '$1- name: debug\n$1  image: $2:1.0.0-debug\n$&',
    ),
};
