import { isRecord } from '../../base/json.ts';
import { RegistryFault } from './fault.ts';

/** What the registry reads of a manifest or an index. */
export interface Manifest {
  mediaType: string;
  /** What kind of artifact it is: the config's media type, or `artifactType`. */
  artifactType: string | undefined;
  /** Blobs it needs: config and layers. */
  blobs: Descriptor[];
  /** Manifests an index names. */
  manifests: Descriptor[];
  subject: string | undefined;
  annotations: Record<string, unknown>;
}

export interface Descriptor {
  digest: string;
  size: number;
}

/** Media types that a client who does not say what it accepts is served. */
export const mediaTypes = {
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerList: 'application/vnd.docker.distribution.manifest.list.v2+json',
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  ociIndex: 'application/vnd.oci.image.index.v1+json',
} as const;

const known = new Set<string>(Object.values(mediaTypes));

/** Reads a manifest. Throws MANIFEST_INVALID for what is not one; layers of foreign URLs are not asked for. */
export function parseManifest(content: Buffer, contentType: string | undefined): Manifest {
  let value: unknown;
  try {
    value = JSON.parse(content.toString());
  } catch {
    throw invalid('manifest is not JSON');
  }
  if (!isRecord(value)) throw invalid('manifest is not an object');
  const mediaType = typeof value['mediaType'] === 'string' ? value['mediaType'] : contentType;
  if (mediaType === undefined || !known.has(mediaType)) throw invalid(`media type ${mediaType ?? ''} is not supported`);
  if (value['schemaVersion'] !== 2) throw invalid('schemaVersion must be 2');
  const isIndex = mediaType === mediaTypes.ociIndex || mediaType === mediaTypes.dockerList;
  const { config, subject } = value;
  const artifactType =
    typeof value['artifactType'] === 'string'
      ? value['artifactType']
      : isRecord(config) && typeof config['mediaType'] === 'string'
        ? config['mediaType']
        : undefined;
  return {
    mediaType,
    artifactType,
    blobs: isIndex ? [] : [descriptor(config), ...descriptors(value['layers'])],
    manifests: isIndex ? descriptors(value['manifests']) : [],
    subject: subject === undefined ? undefined : descriptor(subject).digest,
    annotations: isRecord(value['annotations']) ? value['annotations'] : {},
  };
}

function descriptors(list: unknown): Descriptor[] {
  if (!Array.isArray(list)) throw invalid('a list of descriptors is missing');
  return list.filter((item) => !isRecord(item) || item['urls'] === undefined).map(descriptor);
}

function descriptor(value: unknown): Descriptor {
  if (!isRecord(value) || typeof value['digest'] !== 'string' || typeof value['size'] !== 'number') {
    throw invalid('a descriptor lacks digest or size');
  }
  return { digest: value['digest'], size: value['size'] };
}

function invalid(message: string): RegistryFault {
  return new RegistryFault(400, 'MANIFEST_INVALID', message);
}
