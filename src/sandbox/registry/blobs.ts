import { pipeline } from 'node:stream/promises';
import { type Exchange, openForPush, openRepository } from './exchange.ts';
import { RegistryFault, unsupported } from './fault.ts';

/** GET and HEAD of a blob. Only blobs that were pushed or mounted into this very repository are found. */
export async function answerBlob(exchange: Exchange, repository: string, digest: string): Promise<void> {
  const { request, response, repositories } = exchange;
  if (request.method === 'DELETE') {
    throw unsupported('Layers are deleted with the images that need them');
  }
  const isHead = request.method === 'HEAD';
  const content = openRepository(
    exchange,
    isHead ? 'ecr:BatchCheckLayerAvailability' : 'ecr:GetDownloadUrlForLayer',
    repository,
  );
  const size = content.hasBlob(digest) ? await repositories.blobs.size(digest) : undefined;
  if (size === undefined) throw new RegistryFault(404, 'BLOB_UNKNOWN', 'blob unknown to registry');
  response.setHeader('docker-content-digest', digest);
  response.setHeader('content-type', 'application/octet-stream');
  response.setHeader('accept-ranges', 'bytes');
  const range = parseRange(request.headers.range, size);
  if (range === 'unsatisfiable') {
    response.writeHead(416, { 'content-range': `bytes */${size}` }).end();
    return;
  }
  const { from, to } = range ?? { from: 0, to: size - 1 };
  if (range !== undefined) response.setHeader('content-range', `bytes ${from}-${to}/${size}`);
  response.writeHead(range === undefined ? 200 : 206, { 'content-length': to - from + 1 });
  if (isHead || size === 0) response.end();
  else await pipeline(repositories.blobs.stream(digest, { from, to }), response);
}

/** One `bytes=from-to` range; anything else is ignored, as RFC 9110 allows. */
function parseRange(header: string | undefined, size: number) {
  const [, from = '', to = ''] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if (from === '' && to === '') return undefined;
  const start = from === '' ? Math.max(0, size - Number(to)) : Number(from);
  const end = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1);
  return start >= size || start > end ? ('unsatisfiable' as const) : { from: start, to: end };
}

/** POST of uploads: mounts a blob from another repository, takes a whole one, or begins an upload in parts. */
export async function beginUpload(exchange: Exchange, repository: string): Promise<void> {
  const { request, response, query, repositories } = exchange;
  const content = openForPush(exchange, 'ecr:InitiateLayerUpload', repository);
  const mount = query.get('mount');
  const from = query.get('from');
  if (mount !== null && from !== null && canRead(exchange, from, mount)) {
    content.linkBlob(mount);
    answerCreated(exchange, repository, mount);
    return;
  }
  const id = repositories.blobs.beginUpload(repository);
  const digest = query.get('digest');
  if (digest !== null) {
    await repositories.blobs.append(repository, id, request);
    await finish(exchange, repository, id, digest);
    return;
  }
  response.writeHead(202, { ...uploadHeaders(repository, id, 0), 'content-length': 0 }).end();
}

/** Whether the caller may take a blob from another repository; if not, the push goes on as if there were none. */
function canRead(exchange: Exchange, repository: string, digest: string): boolean {
  try {
    return openRepository(exchange, 'ecr:GetDownloadUrlForLayer', repository).hasBlob(digest);
  } catch (error) {
    if (error instanceof RegistryFault) return false;
    throw error;
  }
}

/** PATCH, PUT, GET and DELETE of an upload that was begun. */
export async function answerUpload(exchange: Exchange, repository: string, id: string): Promise<void> {
  const { request, response, query, repositories } = exchange;
  const { blobs } = repositories;
  switch (request.method) {
    case 'PATCH': {
      openRepository(exchange, 'ecr:UploadLayerPart', repository);
      await requireNextPart(exchange, repository, id);
      const size = await blobs.append(repository, id, request);
      response.writeHead(202, { ...uploadHeaders(repository, id, size), 'content-length': 0 }).end();
      return;
    }
    case 'PUT': {
      openRepository(exchange, 'ecr:CompleteLayerUpload', repository);
      const digest = query.get('digest');
      if (digest === null) throw new RegistryFault(400, 'DIGEST_INVALID', 'the digest parameter is missing');
      await requireNextPart(exchange, repository, id);
      await blobs.append(repository, id, request);
      await finish(exchange, repository, id, digest);
      return;
    }
    case 'GET': {
      openRepository(exchange, 'ecr:UploadLayerPart', repository);
      const size = await blobs.uploadSize(repository, id);
      response.writeHead(204, uploadHeaders(repository, id, size)).end();
      return;
    }
    case 'DELETE':
      openRepository(exchange, 'ecr:UploadLayerPart', repository);
      await blobs.cancelUpload(repository, id);
      response.writeHead(204).end();
      return;
    default:
      throw unsupported(`${request.method} is not possible here`);
  }
}

/** A part that says where it begins must begin where the upload ends. */
async function requireNextPart({ request, repositories }: Exchange, repository: string, id: string): Promise<void> {
  const [, start] = /^(?:bytes )?(\d+)-\d+/.exec(String(request.headers['content-range'] ?? '')) ?? [];
  const size = await repositories.blobs.uploadSize(repository, id);
  if (start !== undefined && Number(start) !== size) {
    throw new RegistryFault(416, 'BLOB_UPLOAD_INVALID', `The part begins at byte ${start}, the upload has ${size}`);
  }
}

async function finish(exchange: Exchange, repository: string, id: string, digest: string): Promise<void> {
  await exchange.repositories.blobs.finishUpload(repository, id, digest);
  exchange.repositories.content(repository).linkBlob(digest);
  answerCreated(exchange, repository, digest);
}

function answerCreated({ response }: Exchange, repository: string, digest: string): void {
  response
    .writeHead(201, {
      location: `/v2/${repository}/blobs/${digest}`,
      'docker-content-digest': digest,
      'content-length': 0,
    })
    .end();
}

function uploadHeaders(repository: string, id: string, size: number): Record<string, string> {
  return {
    location: `/v2/${repository}/blobs/uploads/${id}`,
    'docker-upload-uuid': id,
    range: `0-${Math.max(0, size - 1)}`,
  };
}
