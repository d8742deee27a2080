import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Artifact } from '../../api/artifact.ts';
import { createHttpClient } from '../../http/http-client.ts';
import { padding, tarHeader } from '../source/tar-header.ts';
import { createArtifactCache } from './artifact-cache.ts';
import { openRemoteArtifact } from './remote-artifact.ts';

const { signal } = new AbortController();
const http = createHttpClient();
let server: Server;
let url: string;
let content: Buffer;
/** Status codes of the next answers; 200 afterwards. */
let failures: number[] = [];
let asked = 0;

beforeAll(async () => {
  server = createServer((_, response) => {
    asked++;
    const status = failures.shift() ?? 200;
    response.writeHead(status).end(status === 200 ? content : 'no');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/artifact.tar.gz`;
});
afterAll(async () => {
  await http.close({ force: true });
  server.close();
});
beforeEach(() => {
  failures = [];
  asked = 0;
  content = archive(file('app/a.yaml', 'a: 1'), file('top.yaml', 'b: 2'));
});

function file(path: string, text: string): Buffer {
  const data = Buffer.from(text);
  const header = tarHeader({ path, kind: 'file', size: data.length });
  return Buffer.concat([header, data, Buffer.alloc(padding(data.length))]);
}

/** A link with a file's name and no content. */
function symlink(path: string, to: string): Buffer {
  const header = Buffer.from(tarHeader({ path, kind: 'file', size: 0 }));
  header.write('2', 156, 'latin1');
  header.write(to, 157, 'latin1');
  header.fill(0x20, 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}

function archive(...entries: Buffer[]): Buffer {
  return gzipSync(Buffer.concat([...entries, Buffer.alloc(1024)]));
}

function artifact(changes: Partial<Artifact> = {}): Artifact {
  const digest = `sha256:${createHash('sha256').update(content).digest('hex')}`;
  return { path: 'x', url, revision: 'main@sha1:1', digest, lastUpdateTime: '2026-01-01T00:00:00Z', ...changes };
}

const open = (wanted = artifact()) => openRemoteArtifact(wanted, http, signal, { attempts: 2 });

test('gives the files of the archive', async () => {
  const { files, bytes } = await open();
  expect(files.list('')).toEqual(['app', 'top.yaml']);
  expect(files.readFile('app/a.yaml')?.toString()).toBe('a: 1');
  expect(bytes).toBe(8);
});

test('another host may stand in for the one of the address', async () => {
  const elsewhere = artifact({ url: 'http://source-controller.flux-system.svc/artifact.tar.gz' });
  const opened = await openRemoteArtifact(elsewhere, http, signal, { host: new URL(url).host });
  expect(opened.files.kindOf('app')).toBe('folder');
});

test('a server that is at fault is asked again', async () => {
  failures = [503];
  await open();
  expect(asked).toBe(2);
  failures = [503, 503];
  await expect(open()).rejects.toMatchObject({ code: 'HTTP_STATUS', retry: 'backoff' });
});

test('links are left out', async () => {
  content = archive(symlink('secret.yaml', '/etc/passwd'), file('a.yaml', 'a: 1'));
  expect((await open()).files.list('')).toEqual(['a.yaml']);
});

describe('refuses', () => {
  const having = (make: () => Buffer) => () => {
    content = make();
    return artifact();
  };
  const gone = () => {
    failures = [404];
    return artifact();
  };
  const huge = () => archive(tarHeader({ path: 'big', kind: 'file', size: 600 * 1024 * 1024 }));
  const cases: [string, () => Artifact, string][] = [
    ['what is gone', gone, 'ARTIFACT_NOT_FOUND'],
    ['other bytes', () => artifact({ digest: `sha256:${'0'.repeat(64)}` }), 'ARTIFACT_FETCH_FAILED'],
    ['no digest', () => artifact({ digest: '' }), 'ARTIFACT_FETCH_FAILED'],
    ['a weak digest', () => artifact({ digest: 'md5:00' }), 'ARTIFACT_FETCH_FAILED'],
    ['a path that leads out', having(() => archive(file('../evil.yaml', 'x'))), 'ARCHIVE_INVALID'],
    ['an absolute path', having(() => archive(file('/etc/evil', 'x'))), 'ARCHIVE_INVALID'],
    ['a backslash', having(() => archive(file('a\\..\\b', 'x'))), 'ARCHIVE_INVALID'],
    ['a damaged archive', having(() => content.subarray(0, 40)), 'ARCHIVE_INVALID'],
    ['one that unpacks to too much', having(huge), 'ARCHIVE_TOO_LARGE'],
  ];
  test.each(cases)('%s', async (_, make, code) => {
    const wanted = make();
    await expect(open(wanted)).rejects.toMatchObject({ code });
  });
});

describe('the cache', () => {
  test('one commit that 300 build from is unpacked once and shared', async () => {
    const cached = createArtifactCache((wanted, deadline) => openRemoteArtifact(wanted, http, deadline));
    const opened = await Promise.all(Array.from({ length: 300 }, () => cached(artifact(), signal)));
    expect(asked).toBe(1);
    expect(new Set(opened).size).toBe(1);
  });

  test('gives up what was used longest ago when its room is used up', async () => {
    const unpacked: string[] = [];
    const cached = createArtifactCache(
      async ({ digest }) => {
        unpacked.push(digest);
        return { files: { readFile: () => undefined, kindOf: () => undefined, list: () => [] }, bytes: 40 };
      },
      { maxBytes: 100 },
    );
    for (const digest of ['a', 'b', 'a', 'c', 'a', 'b']) await cached(artifact({ digest }), signal);
    expect(unpacked).toEqual(['a', 'b', 'c', 'b']);
  });

  test('a failure is not kept, and who gives up does not end it for the others', async () => {
    failures = [404];
    const cached = createArtifactCache((wanted, deadline) => openRemoteArtifact(wanted, http, deadline));
    await expect(cached(artifact(), signal)).rejects.toMatchObject({ code: 'ARTIFACT_NOT_FOUND' });
    const impatient = new AbortController();
    const both = [cached(artifact(), impatient.signal), cached(artifact(), signal)] as const;
    impatient.abort();
    await expect(both[0]).rejects.toThrow();
    expect((await both[1]).kindOf('app')).toBe('folder');
  });
});
