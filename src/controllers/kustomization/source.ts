import type { Artifact } from '../../api/artifact.ts';
import type { Kustomization } from '../../api/kustomization.ts';
import { errorMessage } from '../../base/error.ts';
import type { KubeObject, ObjectKey, ObjectRef } from '../../base/kube-object.ts';
import type { KustomizationDeps } from './deps.ts';
import { KustomizationFault } from './fault.ts';

const sourceApiVersion = 'source.toolkit.fluxcd.io/v1';

/** The source that a Kustomization builds from. */
export function sourceRef({ spec, metadata }: Kustomization): ObjectRef & { namespace: string } {
  const { kind, name, namespace } = spec.sourceRef;
  return { apiVersion: sourceApiVersion, kind, name, namespace: namespace ?? metadata.namespace ?? '' };
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
  if (deps.noCrossNamespaceRefs === true && ref.namespace !== object.metadata.namespace) {
    const message = `can't access '${ref.kind}/${ref.namespace}/${ref.name}', cross-namespace references have been blocked`;
    throw new KustomizationFault('AccessDenied', message, 'terminal');
  }
  const source = await deps.client.get(ref, { signal });
  if (source === undefined) {
    throw new KustomizationFault(
      'ArtifactFailed',
      `Source '${ref.kind}/${ref.namespace}/${ref.name}' not found`,
      'retry',
    );
  }
  const artifact = artifactOf(source);
  if (artifact === undefined)
    throw new KustomizationFault('ArtifactFailed', 'Source artifact not found, retrying in 30s', 'wait');
  return artifact;
}

export function artifactOf(source: KubeObject | undefined): Artifact | undefined {
  const status = source?.['status'] as { artifact?: Artifact } | undefined;
  return status?.artifact;
}

/** The files of the artifact. */
export async function openSource(artifact: Artifact, deps: KustomizationDeps, signal: AbortSignal) {
  try {
    return await deps.openArtifact(artifact, signal);
  } catch (cause) {
    signal.throwIfAborted();
    throw new KustomizationFault('ArtifactFailed', `failed to fetch artifact: ${errorMessage(cause)}`, 'wait', cause);
  }
}
