import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { OCIRepository } from '../../api/oci-repository.ts';
import { errorMessage, MillraceError } from '../../base/error.ts';
import { readBlob } from '../../oci/blobs.ts';
import { type Descriptor, getManifest, type Manifest } from '../../oci/manifest.ts';
import { formatReference } from '../../oci/reference.ts';
import type { OpenRegistry } from '../image/registry-access.ts';
import { defaultArchiveLimits } from '../source/archive-reader.ts';
import type { DigestAlgorithm } from '../source/archive-writer.ts';
import { SourceFault } from '../source/source-fault.ts';
import { type Spool, type SpooledArchive, spoolArchive } from '../source/spool.ts';

/** The manifest behind a digest; of an index, the one for linux/amd64. */
export async function pullManifest(
  { registry, repository }: OpenRegistry,
  digest: string,
  signal: AbortSignal,
): Promise<Manifest> {
  const manifest = await getManifest(registry, repository, digest, { signal });
  if (manifest.manifests.length === 0) return manifest;
  const fitting = manifest.manifests.find(
    ({ platform }) => platform?.os === 'linux' && platform.architecture === 'amd64',
  );
  if (fitting !== undefined) return getManifest(registry, repository, fitting.digest, { signal });
  throw new MillraceError(
    'OCI_MANIFEST_INVALID',
    `${formatReference(repository, digest)}: the index has no entry for linux/amd64`,
  );
}

/** The layer that `spec.layerSelector` means: the first, or the first of a media type. */
export function selectLayer({ spec }: OCIRepository, { layers }: Manifest): Descriptor {
  const wanted = spec.layerSelector?.mediaType;
  const layer = wanted ? layers.find(({ mediaType }) => mediaType === wanted) : layers[0];
  if (layer !== undefined) return layer;
  throw layerFault(
    wanted ? `failed to find layer with media type '${wanted}' in artifact` : 'no layers found in artifact',
  );
}

/** The content of a gzipped tar layer. Throws SourceFault `OCIArtifactLayerOperationFailed`. */
export async function extractLayer(
  { registry, repository }: OpenRegistry,
  layer: Descriptor,
  spool: Spool,
  { signal, maxBytes }: { signal: AbortSignal; maxBytes: number },
): Promise<SpooledArchive> {
  const limits = { ...defaultArchiveLimits, maxBytes };
  const source = Readable.from(readWhole(readBlob(registry, repository, layer, { signal })), { objectMode: false });
  try {
    return await spoolArchive(source, spool, { signal, limits });
  } catch (cause) {
    signal.throwIfAborted();
    throw layerFault(`failed to extract layer contents from artifact: ${errorMessage(cause)}`, cause);
  }
}

/** Stores a layer as it is. */
export async function copyLayer(
  { registry, repository }: OpenRegistry,
  layer: Descriptor,
  target: { file: string; algorithm: DigestAlgorithm; signal: AbortSignal },
): Promise<{ digest: string; size: number }> {
  const { file, algorithm, signal } = target;
  const hash = createHash(algorithm);
  const blob = readBlob(registry, repository, layer, { signal });
  await pipeline(
    blob,
    async function* (parts: AsyncIterable<Buffer>) {
      for await (const part of parts) {
        hash.update(part);
        yield part;
      }
    },
    createWriteStream(file, { mode: 0o600 }),
    { signal },
  );
  return { digest: `${algorithm}:${hash.digest('hex')}`, size: layer.size };
}

/** Passes a blob on; its check comes with the last byte, which a reader of tar may never ask for. */
async function* readWhole(blob: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  let held: Buffer | undefined;
  for await (const part of blob) {
    if (held !== undefined) yield held;
    held = part;
  }
  if (held !== undefined) yield held;
}

function layerFault(message: string, cause?: unknown): SourceFault {
  return new SourceFault('OCIArtifactLayerOperationFailed', message, { cause });
}
