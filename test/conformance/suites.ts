import { failures } from './failures.ts';
import type { Suite } from './suite.ts';

export const suites: readonly Suite[] = [failures];
