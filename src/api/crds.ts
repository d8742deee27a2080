import type { KubeObject } from '../base/kube-object.ts';
import { Alert } from './alert.ts';
import { Bucket } from './bucket.ts';
import { crdOf } from './crd.ts';
import { ExternalArtifact } from './external-artifact.ts';
import { FluxInstance } from './flux-instance.ts';
import { FluxReport } from './flux-report.ts';
import { GitRepository } from './git-repository.ts';
import { HelmChart } from './helm-chart.ts';
import { HelmRepository } from './helm-repository.ts';
import { ImagePolicy } from './image-policy.ts';
import { ImageRepository } from './image-repository.ts';
import { ImageUpdateAutomation } from './image-update-automation.ts';
import type { KindDefinition } from './kind.ts';
import { Kustomization } from './kustomization.ts';
import { OCIRepository } from './oci-repository.ts';
import { Provider } from './provider.ts';

/** Every kind that Millrace brings, each from its own file. */
export const kinds: readonly KindDefinition[] = [
  GitRepository,
  OCIRepository,
  Bucket,
  HelmRepository,
  HelmChart,
  ExternalArtifact,
  Kustomization,
  ImageRepository,
  ImagePolicy,
  ImageUpdateAutomation,
  FluxInstance,
  FluxReport,
  Alert,
  Provider,
];

/** The CustomResourceDefinitions of all kinds, made anew for every call. */
export function crds(): KubeObject[] {
  return kinds.map(crdOf);
}
