import type { Artifact } from '../../api/artifact.ts';
import type { EksClusters } from '../../aws/eks-cluster.ts';
import type { Clock } from '../../base/clock.ts';
import type { ObjectKey } from '../../base/kube-object.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { KubeConfig } from '../../kube/config.ts';
import type { FileSystem } from '../../kustomize/file-system.ts';
import type { FetchRemote } from '../../kustomize/remotes.ts';
import type { EventRecorder } from '../../runtime/events.ts';
import type { KmsDecrypt } from './decryption/key-ring.ts';

/** What the Kustomization controller is given. */
export interface KustomizationDeps {
  client: KubeClient;
  events: EventRecorder;
  /** The files of a source's artifact; fails where its bytes are not those of its digest. */
  openArtifact(artifact: Artifact, signal: AbortSignal): Promise<FileSystem>;
  /** Gets remote bases for as long as `work` takes; builds that name any fail without it. */
  remoteBases?<T>(signal: AbortSignal, work: (fetch: FetchRemote) => Promise<T>): Promise<T>;
  /** A client of another cluster; Kustomizations with `spec.kubeConfig` fail without it. */
  connect?(config: KubeConfig): KubeClient & { close(): Promise<void> };
  /** Clusters by ARN, for `spec.kubeConfig.configMapRef` with provider aws. */
  eks?: EksClusters;
  /** Decrypts data keys with AWS KMS. */
  kmsDecrypt?: KmsDecrypt;
  clock?: Clock;
  concurrency?: number;
  /** Dry runs side by side within one Kustomization. Default 4. */
  concurrentApply?: number;
  /** How long to wait for a source or a dependency, in milliseconds. Default 30 seconds. */
  requeueDependencyMs?: number;
  intervalJitter?: number;
  /** ServiceAccount that objects are applied as where the Kustomization names none. */
  defaultServiceAccount?: string;
  /** ServiceAccount whose cloud identity decrypts where the Kustomization names none. */
  defaultDecryptionServiceAccount?: string;
  /** ServiceAccount whose identity other clusters are shown where the ConfigMap names none. */
  defaultKubeconfigServiceAccount?: string;
  /** The controller's own ServiceAccount, shown to clusters of provider generic where nothing else is named. */
  controllerServiceAccount?: ObjectKey;
  noCrossNamespaceRefs?: boolean;
  /** Secret of age identities in the controller's namespace, for Kustomizations without one of their own. */
  sopsAgeSecret?: { namespace: string; name: string };
  /** Allow credential plugins in kubeconfigs of Secrets. */
  insecureKubeconfigExec?: boolean;
  /** Allow kubeconfigs of Secrets to turn the check of certificates off. */
  insecureKubeconfigTls?: boolean;
  /** `group/Kind` of objects that are applied in a stage of their own. */
  customStageKinds?: ReadonlySet<string>;
  /** Further field managers whose fields are taken over. */
  overrideManagers?: readonly string[];
  /** Label selector of ConfigMaps and Secrets whose changes wake who refers to them. */
  watchConfigsSelector?: string;
  gates?: Partial<KustomizationGates>;
}

/** Feature gates of Flux (spec/kustomization.md §10) that change what this controller does. */
export interface KustomizationGates {
  strictPostBuildSubstitutions: boolean;
  additiveCelDependencyCheck: boolean;
  disableFailFastBehavior: boolean;
  objectLevelWorkloadIdentity: boolean;
  externalArtifact: boolean;
  disableConfigWatchers: boolean;
  migrateApiVersion: boolean;
}

export const defaultGates: KustomizationGates = {
  strictPostBuildSubstitutions: true,
  additiveCelDependencyCheck: false,
  disableFailFastBehavior: false,
  objectLevelWorkloadIdentity: false,
  externalArtifact: false,
  disableConfigWatchers: false,
  migrateApiVersion: false,
};

export function gatesOf({ gates }: KustomizationDeps): KustomizationGates {
  return { ...defaultGates, ...gates };
}

/** How long to wait for something else, in milliseconds. */
export function dependencyDelayMs({ requeueDependencyMs }: KustomizationDeps): number {
  return requeueDependencyMs ?? 30_000;
}
