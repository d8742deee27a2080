import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Artifact } from '../../api/artifact.ts';
import { MillraceError } from '../../base/error.ts';
import type { HttpClient } from '../../http/http-client.ts';
import { type FileSystem, memoryFileSystem } from '../../kustomize/file-system.ts';
import { readArchiveFiles } from '../source/archive-reader.ts';

/** No artifact of manifests is larger. In bytes. */
const largestArtifact = 256 * 1024 * 1024;

/** Fetches an artifact that another process serves, checks its digest and unpacks it into memory. Throws ARTIFACT_FETCH_FAILED. */
export async function openRemoteArtifact(
  artifact: Artifact,
  http: HttpClient,
  signal: AbortSignal,
): Promise<FileSystem> {
  const { url, digest } = artifact;
  const response = await http.send({ method: 'GET', url, signal });
  if (response.status !== 200) {
    await response.discard();
    throw new MillraceError('ARTIFACT_FETCH_FAILED', `GET ${url} answered ${response.status}`);
  }
  const bytes = await response.bytes(largestArtifact);
  const [algorithm = '', wanted = ''] = digest.split(':');
  const got = createHash(algorithm).update(bytes).digest('hex');
  if (got !== wanted) {
    throw new MillraceError(
      'ARTIFACT_FETCH_FAILED',
      `The artifact at ${url} has digest ${algorithm}:${got}, wanted ${digest}`,
    );
  }
  const folder = await mkdtemp(join(tmpdir(), 'millrace-artifact-'));
  try {
    const file = join(folder, 'artifact.tar.gz');
    await writeFile(file, bytes);
    return memoryFileSystem(Object.fromEntries(await readArchiveFiles(file, { signal })));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
