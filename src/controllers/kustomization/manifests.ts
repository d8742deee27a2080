import type { Kustomization } from '../../api/kustomization.ts';
import { desiredObject } from '../../apply/desired.ts';
import { errorMessage, isMillraceError } from '../../base/error.ts';
import { isRecord } from '../../base/json.ts';
import { type KubeObject, keyOf } from '../../base/kube-object.ts';
import type { FileSystem } from '../../kustomize/file-system.ts';
import { decryptObjects, decryptTreeFiles, openDecryptor } from './decrypt.ts';
import { refuseEncrypted } from './decryption/decryptor.ts';
import { gatesOf } from './deps.ts';
import { KustomizationFault } from './fault.ts';
import { buildDir, buildKustomization } from './overlay.ts';
import type { Run } from './run.ts';
import { loadVariables, substituteObjects } from './variables.ts';

/**
 * The objects to apply: built, decrypted, with variables replaced, labelled (spec/kustomization.md §4 to §7). Throws
 * BuildFailed, ArtifactFailed and ReconciliationFailed faults.
 */
export async function prepareObjects({ object, deps, signal }: Run, artifact: FileSystem): Promise<KubeObject[]> {
  const decryptor = await openDecryptor(object, deps, signal);
  const dir = buildDir(object);
  const files = decryptor === undefined ? artifact : await decryptTreeFiles(artifact, dir, decryptor);
  const built = buildKustomization(object, files);
  const plain = decryptor === undefined ? built : await decryptObjects(built, decryptor);
  const substituted = await substituteVariables(object, plain, { deps, signal });
  const owner = keyOf(object);
  try {
    return substituted.flatMap(expandList).map((one) => {
      refuseEncrypted(one);
      return desiredObject(one, owner, object.spec.commonMetadata);
    });
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

function expandList(object: KubeObject): KubeObject[] {
  const items = object['items'];
  if (!object.kind.endsWith('List') || !Array.isArray(items)) return [object];
  return items.filter(isRecord) as KubeObject[];
}
