import type { Artifact } from '../../api/artifact.ts';
import type { Condition, KubeObject } from '../../base/kube-object.ts';

/** What all kinds of sources have in common. */
export type SourceObject = KubeObject & {
  spec: SourceSpec;
  status?: SourceStatus;
};

export interface SourceSpec {
  interval: string;
  timeout?: string;
  suspend?: boolean | undefined;
  ignore?: string | undefined;
}

export interface SourceStatus {
  observedGeneration?: number | undefined;
  conditions?: Condition[];
  artifact?: Artifact | undefined;
  lastHandledReconcileAt?: string | undefined;
  /** Of kinds with a `latest` link. */
  url?: string | undefined;
}

export const sourceApiVersion = 'source.toolkit.fluxcd.io/v1';
export const sourceControllerName = 'source-controller';
