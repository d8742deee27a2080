import type { PracticeFault } from './fault.ts';
import { addToApp } from './places.ts';

export const kustomizeBuildInvalid: PracticeFault = {
  code: 'kustomize-build-invalid',
  broken: 'kustomization.yaml lists a second file with the same Service.',
  files: (files) => addToApp(files, 'service-copy.yaml', files['apps/mainapp/service.yaml'] ?? ''),
};
