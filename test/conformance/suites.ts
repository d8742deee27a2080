import { failures } from './failures.ts';
import { fluxCrds } from './flux-crds.ts';
import { imagePolicySuite } from './image-policy.ts';
import { kubeApi } from './kube-api.ts';
import { kustomize } from './kustomize.ts';
import { settersSuite } from './setters.ts';
import { substitutionSuite } from './substitution.ts';
import type { Suite } from './suite.ts';

export const suites: readonly Suite[] = [
  failures,
  imagePolicySuite,
  settersSuite,
  substitutionSuite,
  fluxCrds,
  kubeApi,
  kustomize,
];
