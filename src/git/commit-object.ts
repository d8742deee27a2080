/** A commit or an annotated tag as git stores it, taken apart (gitformat: headers, blank line, message). */
export interface SignedObject {
  /** Headers in order; continuation lines joined by line ends. */
  headers: ReadonlyMap<string, string>;
  message: string;
  /** Armored signature: the `gpgsig` header of a commit, the end of a tag's message. */
  signature?: string;
  /** The bytes that the signature is over. */
  payload: Buffer;
}

export interface Person {
  name: string;
  email: string;
}

const signatureStarts = [
  '-----BEGIN PGP SIGNATURE-----',
  '-----BEGIN SSH SIGNATURE-----',
  '-----BEGIN SIGNED MESSAGE-----',
];

export function parseCommit(data: Buffer): SignedObject {
  const { headers, message, bodyStart } = parseObject(data);
  const signature = headers.get('gpgsig');
  if (signature === undefined) return { headers, message, payload: data };
  return { headers, message, signature: `${signature}\n`, payload: withoutHeader(data, bodyStart, 'gpgsig') };
}

export function parseTag(data: Buffer): SignedObject {
  const { headers, message, bodyStart } = parseObject(data);
  const at = lastSignatureStart(data, bodyStart);
  if (at < 0) return { headers, message, payload: data };
  const signature = data.toString('utf8', at);
  return {
    headers,
    message: message.slice(0, message.length - signature.length),
    signature,
    payload: data.subarray(0, at),
  };
}

/** Hash of the object that a tag points at. */
export function tagTarget(tag: SignedObject): string {
  return tag.headers.get('object') ?? '';
}

/** The time in a `committer` or `author` header, in seconds since the epoch; 0 where it cannot be read. */
export function headerTime(header: string | undefined): number {
  return Number(/ (\d+) [+-]\d{4}$/.exec(header ?? '')?.[1] ?? 0);
}

export interface NewCommit {
  tree: string;
  parents: readonly string[];
  author: Person;
  committer: Person;
  /** Milliseconds since the epoch. */
  time: number;
  message: string;
}

/** The bytes of a commit object, in UTC. With `signature`, its `gpgsig` header follows the committer, as git writes it. */
export function formatCommit(commit: NewCommit, signature?: string): string {
  const seconds = Math.floor(commit.time / 1000);
  const lines = [
    `tree ${commit.tree}`,
    ...commit.parents.map((parent) => `parent ${parent}`),
    `author ${formatPerson(commit.author)} ${seconds} +0000`,
    `committer ${formatPerson(commit.committer)} ${seconds} +0000`,
  ];
  if (signature !== undefined) lines.push(`gpgsig ${signature.trimEnd().split(/\r?\n/).join('\n ')}`);
  const message = commit.message.endsWith('\n') ? commit.message : `${commit.message}\n`;
  return `${lines.join('\n')}\n\n${message}`;
}

/** Names and addresses may not hold the characters that delimit them. */
function formatPerson({ name, email }: Person): string {
  const clean = (text: string) => text.replace(/[<>\0\r\n]/g, '').trim();
  return `${clean(name)} <${clean(email)}>`;
}

function parseObject(data: Buffer): { headers: Map<string, string>; message: string; bodyStart: number } {
  const end = data.indexOf('\n\n');
  const headerEnd = end < 0 ? data.length : end;
  const bodyStart = end < 0 ? data.length : end + 2;
  const headers = new Map<string, string>();
  let last = '';
  for (const line of data.toString('utf8', 0, headerEnd).split('\n')) {
    if (line.startsWith(' ')) {
      headers.set(last, `${headers.get(last) ?? ''}\n${line.slice(1)}`);
      continue;
    }
    const space = line.indexOf(' ');
    last = space < 0 ? line : line.slice(0, space);
    if (!headers.has(last)) headers.set(last, line.slice(space + 1));
  }
  return { headers, message: data.toString('utf8', bodyStart), bodyStart };
}

/** The object's bytes without one header and its continuation lines. */
function withoutHeader(data: Buffer, bodyStart: number, name: string): Buffer {
  const kept: Buffer[] = [];
  let dropping = false;
  let start = 0;
  while (start < bodyStart) {
    const end = data.indexOf(0x0a, start) + 1 || data.length;
    const line = data.subarray(start, end);
    dropping = line[0] === 0x20 ? dropping : line.toString('latin1', 0, name.length + 1) === `${name} `;
    if (!dropping) kept.push(line);
    start = end;
  }
  return Buffer.concat([...kept, data.subarray(bodyStart)]);
}

function lastSignatureStart(data: Buffer, bodyStart: number): number {
  const starts = signatureStarts.map((text) => data.lastIndexOf(text)).filter((at) => at >= bodyStart);
  return Math.max(-1, ...starts);
}
