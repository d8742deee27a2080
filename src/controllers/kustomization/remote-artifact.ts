import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Artifact } from '../../api/artifact.ts';
import { MillraceError } from '../../base/error.ts';
import { retry } from '../../base/retry.ts';
import type { HttpClient } from '../../http/http-client.ts';
import { httpStatusError } from '../../http/http-status.ts';
import { memoryFileSystem } from '../../kustomize/file-system.ts';
import { type ArchiveLimits, readArchiveFiles } from '../source/archive-reader.ts';
import type { UnpackedArtifact } from './artifact-cache.ts';

/** No artifact of manifests is larger, packed and unpacked. In bytes. */
const largestArtifact = 256 * 1024 * 1024;
const limits: ArchiveLimits = { maxBytes: 2 * largestArtifact, maxEntries: 200_000 };
const algorithms = new Set(['sha256', 'sha384', 'sha512']);

export interface RemoteArtifactOptions {
  /** Takes the place of the host in artifact URLs, as SOURCE_CONTROLLER_LOCALHOST of Flux. */
  host?: string;
  /** How often a server that fails is asked. Default 3: the run is repeated as a whole anyway. */
  attempts?: number;
}

/**
 * Fetches an artifact that another process serves, checks its digest and unpacks it into memory. Throws ARTIFACT_NOT_FOUND,
 * ARTIFACT_FETCH_FAILED, HTTP_STATUS, HTTP_UNREACHABLE, ARCHIVE_INVALID and ARCHIVE_TOO_LARGE.
 */
export async function openRemoteArtifact(
  artifact: Artifact,
  http: HttpClient,
  signal: AbortSignal,
  { host, attempts = 3 }: RemoteArtifactOptions = {},
): Promise<UnpackedArtifact> {
  const { digest } = artifact;
  const [algorithm = '', wanted = ''] = digest.split(':');
  if (!algorithms.has(algorithm) || wanted === '') {
    throw new MillraceError('ARTIFACT_FETCH_FAILED', `The artifact has no digest that can be checked: '${digest}'`);
  }
  const url = withHost(artifact.url, host);
  const delays = { attempts, firstDelayMs: 500, maxDelayMs: 5_000, signal };
  const bytes = await retry(() => download(url, http, signal), delays);
  const got = createHash(algorithm).update(bytes).digest('hex');
  if (got !== wanted) {
    const message = `The artifact at ${url} has digest ${algorithm}:${got}, wanted ${digest}`;
    throw new MillraceError('ARTIFACT_FETCH_FAILED', message);
  }
  const folder = await mkdtemp(join(tmpdir(), 'millrace-artifact-'));
  try {
    const file = join(folder, 'artifact.tar.gz');
    await writeFile(file, bytes);
    return await unpackArtifact(file, signal);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The files of an artifact on disk. Throws ARCHIVE_INVALID and ARCHIVE_TOO_LARGE. */
export async function unpackArtifact(file: string, signal: AbortSignal): Promise<UnpackedArtifact> {
  const contents = await readArchiveFiles(file, { signal, limits });
  let bytes = 0;
  for (const content of contents.values()) bytes += content.length;
  return { files: memoryFileSystem(Object.fromEntries(contents)), bytes };
}

async function download(url: string, http: HttpClient, signal: AbortSignal): Promise<Buffer> {
  const request = { method: 'GET', url, signal } as const;
  const response = await http.send(request);
  if (response.status === 200) return Buffer.from(await response.bytes(largestArtifact));
  if (response.status === 404) {
    await response.discard();
    throw new MillraceError('ARTIFACT_NOT_FOUND', `GET ${url} answered 404`, { retry: 'never' });
  }
  throw await httpStatusError(request, response);
}

function withHost(url: string, host: string | undefined): string {
  if (host === undefined || host === '') return url;
  const changed = new URL(url);
  changed.host = host;
  return changed.href;
}
