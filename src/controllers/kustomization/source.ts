import type { Artifact } from '../../api/artifact.ts';
import type { Kustomization } from '../../api/kustomization.ts';
import { formatDuration } from '../../base/duration.ts';
import { errorMessage, isMillraceError } from '../../base/error.ts';
import type { KubeObject, ObjectKey, ObjectRef } from '../../base/kube-object.ts';
import type { FileSystem } from '../../kustomize/file-system.ts';
import { dependencyDelayMs, gatesOf, type KustomizationDeps } from './deps.ts';
import { KustomizationFault } from './fault.ts';

const sourceGroup = 'source.toolkit.fluxcd.io';
const plurals = {
  OCIRepository: 'ocirepositories',
  GitRepository: 'gitrepositories',
  Bucket: 'buckets',
  ExternalArtifact: 'externalartifacts',
};

/** The source that a Kustomization builds from. */
export function sourceRef({ spec, metadata }: Kustomization): ObjectRef & { namespace: string } {
  const { kind, name, namespace } = spec.sourceRef;
  return { apiVersion: `${sourceGroup}/v1`, kind, name, namespace: namespace || (metadata.namespace ?? '') };
}

export function sourceKey(object: Kustomization): ObjectKey & { kind: string } {
  const { kind, name, namespace } = sourceRef(object);
  return { kind, name, namespace };
}

/** The artifact of the source, however its source is doing now (spec/kustomization.md §2, step 5). */
export async function sourceArtifact(
  object: Kustomization,
  deps: KustomizationDeps,
  signal: AbortSignal,
): Promise<Artifact> {
  const ref = sourceRef(object);
  const shown = `${ref.kind}/${ref.namespace}/${ref.name}`;
  if (deps.noCrossNamespaceRefs === true && ref.namespace !== object.metadata.namespace) {
    const message = `can't access '${shown}', cross-namespace references have been blocked`;
    throw new KustomizationFault('AccessDenied', message, 'terminal');
  }
  if (ref.kind === 'ExternalArtifact' && !gatesOf(deps).externalArtifact) {
    const message = `can't access '${shown}', ExternalArtifact feature gate is disabled`;
    throw new KustomizationFault('AccessDenied', message, 'terminal');
  }
  const source = await deps.client.get(ref, { signal });
  if (source === undefined) {
    const message = `${plurals[object.spec.sourceRef.kind]}.${sourceGroup} "${ref.name}" not found`;
    throw new KustomizationFault('ArtifactFailed', message, 'retry', { event: null });
  }
  const artifact = artifactOf(source);
  if (artifact === undefined) {
    const message = `Source artifact not found, retrying in ${formatDuration(dependencyDelayMs(deps))}`;
    throw new KustomizationFault('ArtifactFailed', message, 'wait', { event: null });
  }
  return artifact;
}

export function artifactOf(source: KubeObject | undefined): Artifact | undefined {
  const status = source?.['status'] as { artifact?: Artifact } | undefined;
  return status?.artifact;
}

/** The files of the artifact. One that its server no longer has is waited for: a newer one is on its way. */
export async function openSource(
  artifact: Artifact,
  deps: KustomizationDeps,
  signal: AbortSignal,
): Promise<FileSystem> {
  try {
    return await deps.openArtifact(artifact, signal);
  } catch (cause) {
    signal.throwIfAborted();
    if (isMillraceError(cause, 'ARTIFACT_NOT_FOUND')) {
      const message = `Source is not ready, artifact not found, retrying in ${formatDuration(dependencyDelayMs(deps))}`;
      throw new KustomizationFault('ArtifactFailed', message, 'wait', { cause, event: null });
    }
    throw new KustomizationFault('ArtifactFailed', errorMessage(cause), 'retry', { cause });
  }
}
