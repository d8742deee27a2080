import type { Kustomization } from '../../api/kustomization.ts';
import { desiredObject } from '../../apply/desired.ts';
import { entryOf } from '../../apply/inventory.ts';
import { sha256Hex } from '../../base/digest.ts';
import { errorMessage, isMillraceError } from '../../base/error.ts';
import { isRecord } from '../../base/json.ts';
import { type KubeObject, keyOf, type ObjectKey } from '../../base/kube-object.ts';
import type { ManifestOrigin } from '../../kustomize/build.ts';
import type { FileSystem } from '../../kustomize/file-system.ts';
import { printDocuments } from '../../yaml/print.ts';
import { decryptObjects, decryptTreeFiles, openDecryptor } from './decrypt.ts';
import { type Decryptor, refuseEncrypted } from './decryption/decryptor.ts';
import { gatesOf } from './deps.ts';
import { KustomizationFault } from './fault.ts';
import { placeOf } from './manifest-origin.ts';
import { type Built, buildDir, buildKustomization, overlaidFiles, type RemoteBases } from './overlay.ts';
import type { Run } from './run.ts';
import { loadVariables, substituteObjects } from './variables.ts';

/** What a revision says should be in the cluster. */
export interface Manifests {
  objects: KubeObject[];
  /** `sha256:…` of the YAML that was built, which names it in the history as in Flux's. */
  digest: string;
  /** `path:line` of an object in git, as far as it is known. */
  placeOf(object: KubeObject): string | undefined;
}

/**
 * The objects to apply: built, decrypted, with variables replaced, labelled (spec/kustomization.md §4 to §7). Throws
 * BuildFailed and ReconciliationFailed faults.
 */
export async function prepareManifests({ object, deps, signal }: Run, artifact: FileSystem): Promise<Manifests> {
  const decryptor = await openDecryptor(object, deps, signal);
  const fetching = deps.remoteBases;
  const remoteBases: RemoteBases | undefined = fetching && ((work) => fetching(signal, work));
  const { objects: built, origins } = await buildFiles(object, artifact, decryptor, remoteBases);
  const plain = decryptor === undefined ? built : await decryptObjects(built, decryptor);
  const substituted = await substituteVariables(object, plain, { deps, signal });
  const owner = keyOf(object);
  const places = new Map<string, ManifestOrigin | undefined>();
  const objects = substituted
    .flatMap(expandList)
    .filter(isApplied)
    .map(({ item, index }) => {
      const desired = desire(item, owner, object.spec);
      places.set(entryOf(desired).id, origins[index]);
      return desired;
    });
  return {
    objects,
    digest: `sha256:${sha256Hex(printDocuments(substituted))}`,
    placeOf(one) {
      const origin = places.get(entryOf(one).id);
      return origin === undefined ? undefined : placeOf(artifact, origin);
    },
  };
}

async function buildFiles(
  object: Kustomization,
  artifact: FileSystem,
  decryptor: Decryptor | undefined,
  remoteBases: RemoteBases | undefined,
): Promise<Built> {
  const overlay = overlaidFiles(object, artifact);
  if (overlay === undefined) return { objects: [], origins: [] };
  if (decryptor === undefined) return buildKustomization(object, overlay, remoteBases);
  const files = await decryptTreeFiles(overlay.files, buildDir(object), decryptor);
  return buildKustomization(object, { ...overlay, files }, remoteBases);
}

function desire(built: KubeObject, owner: ObjectKey, { commonMetadata }: Kustomization['spec']): KubeObject {
  try {
    refuseEncrypted(built);
    return desiredObject(built, owner, commonMetadata);
  } catch (cause) {
    if (!isMillraceError(cause)) throw cause;
    throw new KustomizationFault('ReconciliationFailed', errorMessage(cause), 'retry', { cause });
  }
}

async function substituteVariables(
  object: Kustomization,
  objects: readonly KubeObject[],
  { deps, signal }: Pick<Run, 'deps' | 'signal'>,
): Promise<KubeObject[]> {
  const { postBuild } = object.spec;
  if (postBuild === undefined) return [...objects];
  return substituteObjects(objects, {
    variables: await loadVariables(object, deps.client, signal),
    strict: gatesOf(deps).strictPostBuildSubstitutions,
    always: postBuild.substituteStrategy === 'Always',
  });
}

/** Kustomization files are what is built from, also where one lies among the manifests. */
function isApplied({ item }: { item: KubeObject }): boolean {
  return item.kind !== 'Kustomization' || !item.apiVersion.startsWith('kustomize.config.k8s.io/');
}

/** The items of a List in its place; each knows which of the built objects it comes from. */
function expandList(object: KubeObject, index: number): { item: KubeObject; index: number }[] {
  const items = object['items'];
  if (!object.kind.endsWith('List') || !Array.isArray(items)) return [{ item: object, index }];
  return (items.filter(isRecord) as KubeObject[]).map((item) => ({ item, index }));
}
