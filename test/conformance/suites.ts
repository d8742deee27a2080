import { failures } from './failures.ts';
import { imagePolicySuite } from './image-policy.ts';
import { settersSuite } from './setters.ts';
import type { Suite } from './suite.ts';

export const suites: readonly Suite[] = [failures, imagePolicySuite, settersSuite];
