import type { KubeObject } from '../../base/kube-object.ts';
import type { Conditioned } from '../../runtime/conditions.ts';
import type { Artifact } from './artifact-store.ts';

/** What all kinds of sources have in common. */
export type SourceObject = KubeObject &
  Conditioned & {
    spec: SourceSpec;
    status?: SourceStatus;
  };

export interface SourceSpec {
  interval: string;
  timeout?: string;
  suspend?: boolean;
  ignore?: string;
}

export interface SourceStatus {
  observedGeneration?: number;
  conditions?: NonNullable<NonNullable<Conditioned['status']>['conditions']>;
  artifact?: Artifact;
  lastHandledReconcileAt?: string;
  /** Of kinds with a `latest` link. */
  url?: string;
}

export const sourceApiVersion = 'source.toolkit.fluxcd.io/v1';
export const sourceControllerName = 'source-controller';
