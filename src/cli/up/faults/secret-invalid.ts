import type { PracticeFault } from './fault.ts';
import { objects } from './places.ts';

export const secretInvalid: PracticeFault = {
  code: 'secret-invalid',
  broken: 'The Secret with the git credential, which the GitRepository refers to, does not exist.',
  inject: ({ kube, signal }) => kube.delete(objects.gitSecret, { signal }),
};
