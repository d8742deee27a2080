import { readBody } from '../http-listener.ts';
import { type Exchange, openForPush, openRepository, sendJson } from './exchange.ts';
import { RegistryFault, unsupported } from './fault.ts';
import { mediaTypes } from './manifest.ts';
import { putImage } from './put-image.ts';
import type { ImageRecord } from './repository-content.ts';

const maxManifestBytes = 4 * 1024 * 1024;

/** GET, HEAD, PUT and DELETE of a manifest by tag or digest. */
export async function answerManifest(exchange: Exchange, repository: string, reference: string): Promise<void> {
  switch (exchange.request.method) {
    case 'GET':
    case 'HEAD':
      return readManifest(exchange, repository, reference);
    case 'PUT':
      return writeManifest(exchange, repository, reference);
    case 'DELETE':
      return deleteManifest(exchange, repository, reference);
    default:
      throw unsupported(`${exchange.request.method} is not possible here`);
  }
}

async function readManifest(exchange: Exchange, repository: string, reference: string): Promise<void> {
  const { request, response, repositories } = exchange;
  const image = openRepository(exchange, 'ecr:BatchGetImage', repository).find(reference);
  if (image === undefined) throw unknownManifest();
  const body = await repositories.blobs.read(image.digest);
  response.writeHead(200, {
    'content-type': image.mediaType,
    'content-length': body.length,
    'docker-content-digest': image.digest,
    etag: `"${image.digest}"`,
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

async function writeManifest(exchange: Exchange, repository: string, reference: string): Promise<void> {
  const { request, response } = exchange;
  openForPush(exchange, 'ecr:PutImage', repository);
  const content = await readBody(request, maxManifestBytes);
  if (content === undefined) throw new RegistryFault(413, 'MANIFEST_INVALID', 'The manifest is longer than 4 MiB');
  const mediaType = request.headers['content-type'];
  const image = await putImage({ repository, content, mediaType, reference }, exchange);
  response.writeHead(201, {
    location: `/v2/${repository}/manifests/${image.digest}`,
    'docker-content-digest': image.digest,
    ...(image.subject === undefined ? {} : { 'oci-subject': image.subject }),
    'content-length': 0,
  });
  response.end();
}

async function deleteManifest(exchange: Exchange, repository: string, reference: string): Promise<void> {
  const { response, repositories } = exchange;
  const content = openRepository(exchange, 'ecr:BatchDeleteImage', repository);
  const image = content.find(reference);
  if (image === undefined) throw unknownManifest();
  const isTag = !reference.includes(':');
  if (isTag) content.deleteTag(reference);
  else content.deleteImage(image.digest);
  repositories.announce({
    action: 'DELETE',
    repository,
    digest: image.digest,
    tag: isTag ? reference : undefined,
    mediaType: image.mediaType,
    artifactType: image.artifactType,
  });
  response.writeHead(202, { 'content-length': 0 }).end();
}

function unknownManifest(): RegistryFault {
  return new RegistryFault(404, 'MANIFEST_UNKNOWN', 'Requested image not found');
}

/** Images that are about another one: signatures, attestations, bills of material. */
export function answerReferrers(exchange: Exchange, repository: string, digest: string): void {
  const content = openRepository(exchange, 'ecr:ListImageReferrers', repository);
  const wanted = exchange.query.get('artifactType');
  const referrers = content
    .images()
    .filter(({ subject, artifactType }) => subject === digest && (wanted === null || artifactType === wanted));
  if (wanted !== null) exchange.response.setHeader('oci-filters-applied', 'artifactType');
  const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: referrers.map(describeReferrer) };
  sendJson(exchange.response, 200, index, mediaTypes.ociIndex);
}

function describeReferrer({ mediaType, digest, sizeBytes, artifactType, annotations }: ImageRecord) {
  return { mediaType, digest, size: sizeBytes, artifactType, annotations };
}
