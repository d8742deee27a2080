import { isHttpStatus } from '../http/http-status.ts';
import { type Descriptor, maxManifestBytes, mediaTypes, parseManifest } from './manifest.ts';
import { formatReference, type Repository } from './reference.ts';
import { type Registry, sendToRegistry } from './registry.ts';

/**
 * What refers to an artifact by its `subject` (OCI distribution specification 1.1, listing referrers); undefined where the
 * registry does not know the question, and it is to be found under the tag `sha256-…` if anywhere.
 */
export async function listReferrers(
  registry: Registry,
  repository: Repository,
  digest: string,
  { signal }: { signal: AbortSignal },
): Promise<Descriptor[] | undefined> {
  try {
    const response = await sendToRegistry(registry, repository, {
      method: 'GET',
      path: `referrers/${digest}`,
      headers: { accept: mediaTypes.ociIndex },
      signal,
    });
    const what = `referrers of ${formatReference(repository, digest)}`;
    const { manifests } = parseManifest(await response.bytes(maxManifestBytes), '', response, what);
    // A registry may answer with an empty list and still hold those of before it could.
    return manifests.length > 0 ? manifests : undefined;
  } catch (error) {
    if (isHttpStatus(error, 400, 403, 404, 405, 501)) return undefined;
    throw error;
  }
}
