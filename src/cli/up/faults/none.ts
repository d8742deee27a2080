import type { PracticeFault } from './fault.ts';

export const nothingBroken: PracticeFault = {
  code: 'none',
  broken: 'Nothing: a ServiceAccount whose only file is a token is as it should be, and so is the rest.',
};
