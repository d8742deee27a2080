import type { Artifact } from '../../api/artifact.ts';
import type { Clock } from '../../base/clock.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { FileSystem } from '../../kustomize/file-system.ts';
import type { EventRecorder } from '../../runtime/events.ts';

/** What the Kustomization controller is given. */
export interface KustomizationDeps {
  client: KubeClient;
  events: EventRecorder;
  /** The files of a source's artifact; fails where its bytes are not those of its digest. */
  openArtifact(artifact: Artifact, signal: AbortSignal): Promise<FileSystem>;
  clock?: Clock;
  concurrency?: number;
  /** Dry runs side by side within one Kustomization. Default 4. */
  concurrentApply?: number;
  /** How long to wait for a source or a dependency, in milliseconds. Default 30 seconds. */
  requeueDependencyMs?: number;
  intervalJitter?: number;
  /** ServiceAccount that objects are applied as where the Kustomization names none. */
  defaultServiceAccount?: string;
  noCrossNamespaceRefs?: boolean;
}
