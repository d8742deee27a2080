import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { type GitProgram, runGit, spawnGit } from './git-process.ts';
import { flushPacket, type PushHead, parsePushHead, pktLine, type RefUpdate, refusePush } from './pkt-line.ts';

export type GitService = 'git-upload-pack' | 'git-receive-pack';

export interface ServiceCall {
  program: GitProgram;
  /** Folder of the repository. */
  repository: string;
  service: GitService;
  request: IncomingMessage;
  response: ServerResponse;
}

const maxPushHeadBytes = 1024 * 1024;

/** Answers `GET …/info/refs?service=…`: what the repository has. */
export async function advertiseRefs({ program, repository, service, request, response }: ServiceCall): Promise<void> {
  const protocol = gitProtocol(request);
  const child = spawnGit(program, [command(service), '--stateless-rpc', '--advertise-refs', repository], protocol);
  child.stdin.end();
  response.writeHead(200, answerHeaders(`application/x-${service}-advertisement`));
  // Protocol 2 begins with its version line instead; pushes have no protocol 2.
  const isVersion2 = service === 'git-upload-pack' && /(^|:)version=2(:|$)/.test(protocol ?? '');
  if (!isVersion2) response.write(pktLine(`# service=${service}\n`) + flushPacket);
  await relay(child, response);
}

/** Answers `POST …/git-upload-pack`: a fetch or clone. */
export async function uploadPack({ program, repository, service, request, response }: ServiceCall): Promise<void> {
  const child = spawnGit(program, [command(service), '--stateless-rpc', repository], gitProtocol(request));
  response.writeHead(200, answerHeaders(`application/x-${service}-result`));
  await Promise.all([feed(requestBody(request), child.stdin), relay(child, response)]);
}

export interface ReceivePackOptions {
  /** Why an update is not wanted; undefined lets git decide. */
  refuse(update: RefUpdate): string | undefined;
  /** Called with the refs that changed, before the client learns that its push is done: as a post-receive hook would be. */
  onPush(updates: RefUpdate[]): void;
}

/** Answers `POST …/git-receive-pack`: a push. */
export async function receivePack(call: ServiceCall, { refuse, onPush }: ReceivePackOptions): Promise<void> {
  const { program, repository, service, request, response } = call;
  const body = requestBody(request);
  const { head, begin } = await readPushHead(body);
  const headers = answerHeaders(`application/x-${service}-result`);
  if (head.updates.some((update) => refuse(update) !== undefined)) {
    body.resume();
    const answer = refusePush(head, (update) => refuse(update) ?? 'another ref of this push was refused');
    response.writeHead(200, headers).end(answer);
    return;
  }
  const child = spawnGit(program, [command(service), '--stateless-rpc', repository], gitProtocol(request));
  response.writeHead(200, headers);
  child.stdin.write(begin);
  await Promise.all([feed(body, child.stdin), relay(child, response, { end: false })]);
  const updates = await changedRefs(call, head);
  if (updates.length > 0) onPush(updates);
  response.end();
}

/** Which of the wanted updates git has made: its own answer went to the client, so the refs are asked. */
async function changedRefs({ program, repository }: ServiceCall, { updates }: PushHead): Promise<RefUpdate[]> {
  if (updates.length === 0) return [];
  const listing = await runGit(program, [
    `--git-dir=${repository}`,
    'for-each-ref',
    '--format=%(objectname) %(refname)',
    '--',
    ...updates.map(({ ref }) => ref),
  ]);
  const present = new Map(
    listing
      .split('\n')
      .map((line): [string, string] => [line.slice(line.indexOf(' ') + 1), line.slice(0, line.indexOf(' '))]),
  );
  return updates.filter(
    ({ ref, from, to }) => from !== to && (/^0+$/.test(to) ? !present.has(ref) : present.get(ref) === to),
  );
}

/** The commands of a push and the bytes they came in, which git is to read as well. */
async function readPushHead(body: Readable): Promise<{ head: PushHead; begin: Buffer }> {
  let begin: Buffer = Buffer.alloc(0);
  for (;;) {
    const head = parsePushHead(begin);
    if (head !== undefined) return { head, begin };
    if (begin.length > maxPushHeadBytes) throw new Error('the push names too many refs');
    const chunk = (body.read() ?? undefined) as Buffer | undefined;
    if (chunk !== undefined) begin = Buffer.concat([begin, chunk]);
    else if (body.readableEnded || body.destroyed) throw new Error('the push ended early');
    else await Promise.race([once(body, 'readable'), once(body, 'end')]);
  }
}

/** Hands a request's body to git. That git stopped reading is no fault: it says why in its answer. */
async function feed(body: Readable, stdin: NodeJS.WritableStream): Promise<void> {
  try {
    await pipeline(body, stdin);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
  }
}

/** Hands git's output to the client and waits for git's end; a client that goes away ends git. */
async function relay(
  child: ReturnType<typeof spawnGit>,
  response: ServerResponse,
  options = { end: true },
): Promise<void> {
  const kill = () => child.kill();
  response.once('close', kill);
  child.stderr.resume();
  const closed = once(child, 'close');
  try {
    await pipeline(child.stdout, response, options);
    await closed;
  } finally {
    response.off('close', kill);
    child.kill();
  }
}

/** git compresses requests that are long. */
function requestBody(request: IncomingMessage): Readable {
  const isCompressed = /^(x-)?gzip$/.test(request.headers['content-encoding'] ?? '');
  if (!isCompressed) return request;
  const gunzip = createGunzip();
  request.on('error', (error) => gunzip.destroy(error));
  return request.pipe(gunzip);
}

/** The Git-Protocol header, if it is of the form git documents: it becomes an environment variable. */
function gitProtocol(request: IncomingMessage): string | undefined {
  const header = request.headers['git-protocol'];
  return typeof header === 'string' && /^[\w.=:-]{1,100}$/.test(header) ? header : undefined;
}

function command(service: GitService): string {
  return service.slice('git-'.length);
}

function answerHeaders(contentType: string): Record<string, string> {
  return { 'content-type': contentType, 'cache-control': 'no-cache, max-age=0, must-revalidate' };
}
