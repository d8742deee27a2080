import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { makeTempDir } from '../../../test/support/git-repository.ts';
import { readArchive, readArchiveFiles } from './archive-reader.ts';
import { writeArchive } from './archive-writer.ts';
import { spoolArchive, withSpool } from './spool.ts';
import { tarHeader } from './tar-header.ts';

const signal = new AbortController().signal;
const temp = makeTempDir();
afterAll(() => temp.remove());
let number = 0;

async function write(entries: { path: string; data?: string; executable?: boolean }[]) {
  const file = join(temp.dir, `a${++number}.tar.gz`);
  const result = await writeArchive(file, { signal, algorithm: 'sha256' }, async (sink) => {
    for (const { path, data, executable } of entries) {
      if (data === undefined) await sink.add({ path, kind: 'directory', size: 0 });
      else {
        const bytes = Buffer.from(data);
        await sink.add(
          { path, kind: executable ? 'executable' : 'file', size: bytes.length },
          async (w) => void (await w(bytes)),
        );
      }
    }
  });
  return { file, ...result };
}

test('equal entries give equal bytes, which tar lists with our modes and no names or times', async () => {
  const entries = [
    { path: 'd' },
    { path: 'd/run.sh', data: '#!/bin/sh\n', executable: true },
    { path: 'd/x', data: 'x' },
  ];
  const one = await write(entries);
  const two = await write(entries);
  expect(two.digest).toBe(one.digest);
  expect(one.digest).toBe(`sha256:${createHash('sha256').update(readFileSync(one.file)).digest('hex')}`);
  const { stdout } = spawnSync('tar', ['--utc', '--full-time', '--numeric-owner', '-tvzf', one.file], {
    encoding: 'utf8',
  });
  const lines = stdout.trim().split('\n');
  expect(lines.map((line) => line.replace(/ +/g, ' '))).toEqual([
    'drwxr-x--- 0/0 0 1970-01-01 00:00:00 d/',
    '-rwx------ 0/0 10 1970-01-01 00:00:00 d/run.sh',
    '-rw------- 0/0 1 1970-01-01 00:00:00 d/x',
  ]);
});

test('what is written is read back, whatever the names', async () => {
  const part = fc
    .stringMatching(/^[a-zA-Zäöü日本0-9 _.-]{1,60}$/)
    .filter((name) => !/^\.+$/.test(name.trim()) && name.trim() === name);
  const tree = fc.dictionary(
    fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => parts.join('/')),
    fc.string({ unit: 'binary', maxLength: 2000 }),
    {
      maxKeys: 12,
      noNullPrototype: true,
    },
  );
  await fc.assert(
    fc.asyncProperty(tree, async (files) => {
      const { file } = await write(Object.entries(files).map(([path, data]) => ({ path, data })));
      const found = await readArchiveFiles(file, { signal });
      expect(Object.fromEntries([...found].map(([path, data]) => [path, data.toString()]))).toEqual(
        Object.fromEntries(Object.entries(files).map(([path, data]) => [path, Buffer.from(data).toString()])),
      );
    }),
    { numRuns: 40 },
  );
});

test('GNU tar and bsd names are read: long ones, PAX, dots in front', async () => {
  const long = `${'deep/'.repeat(40)}file.txt`;
  const script = `mkdir -p "$(dirname '${long}')" && echo hi > '${long}' && ln -s /etc/passwd link && mkfifo pipe`;
  const dir = join(temp.dir, 'gnu');
  spawnSync('sh', ['-c', `mkdir '${dir}' && cd '${dir}' && ${script}`]);
  for (const format of ['gnu', 'pax']) {
    const file = join(temp.dir, `${format}.tar.gz`);
    spawnSync('tar', [`--format=${format}`, '-czf', file, '-C', dir, '.']);
    const paths: string[] = [];
    const { skipped } = await readArchive(
      createReadStream(file),
      { signal },
      async ({ path }) => void paths.push(path),
    );
    expect(paths).toContain(long);
    expect(paths).not.toContain('link');
    expect(skipped).toBe(2);
  }
});

/** A raw archive with headers that no honest packer makes. */
function hostile(name: string, data = 'x', change: (header: Buffer) => void = () => {}): Readable {
  const header = tarHeader({ path: 'placeholder', kind: 'file', size: data.length });
  header.fill(0, 0, 100);
  header.write(name, 0);
  change(header);
  header.fill(0x20, 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  const body = Buffer.alloc(512);
  body.write(data);
  return Readable.from([gzipSync(Buffer.concat([header, body, Buffer.alloc(1024)]))]);
}

test.each(['../escape', 'a/../../escape', '/absolute', 'a\\b', 'C:/x'])('the name %s is refused', async (name) => {
  const reading = readArchive(hostile(name), { signal }, async () => {});
  await expect(reading).rejects.toMatchObject({ code: 'ARCHIVE_INVALID', message: /forbidden name/ });
});

test.each([
  ['symbolic links', '2'],
  ['hard links', '1'],
  ['character devices', '3'],
  ['block devices', '4'],
  ['pipes', '6'],
])('%s are passed over', async (_, type) => {
  const found: string[] = [];
  const { skipped } = await readArchive(
    hostile('x', '', (header) => void header.write(type, 156)),
    { signal },
    async ({ path }) => void found.push(path),
  );
  expect(found).toEqual([]);
  expect(skipped).toBe(1);
});

test('damage is told: a wrong checksum, an early end, no gzip, rubbish behind', async () => {
  const whole = readFileSync((await write([{ path: 'a', data: 'x'.repeat(5000) }])).file);
  const read = (data: Buffer) => readArchive(Readable.from([data]), { signal }, async (_, copy) => copy(() => {}));
  await expect(read(whole.subarray(0, whole.length - 20))).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
  await expect(read(Buffer.from('no gzip'))).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
  await expect(read(gzipSync(Buffer.alloc(600, 1)))).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
  await expect(read(gzipSync(Buffer.alloc(400)))).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
  const padded = Buffer.concat([Buffer.alloc(1024), Buffer.alloc(3 * 1024 * 1024, 7)]);
  await expect(read(gzipSync(padded))).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
});

test('bombs end at the limit, on disk too', async () => {
  const zeros = 'z'.repeat(2_000_000);
  const { file, size } = await write([{ path: 'bomb', data: zeros }]);
  expect(size).toBeLessThan(20_000);
  const limits = { maxBytes: 1_000_000, maxEntries: 10 };
  const reading = withSpool(temp.dir, (spool) => spoolArchive(createReadStream(file), spool, { signal, limits }));
  await expect(reading).rejects.toMatchObject({ code: 'ARCHIVE_TOO_LARGE' });
  const many = await write(Array.from({ length: 11 }, (_, i) => ({ path: `f${i}`, data: '' })));
  const counting = withSpool(temp.dir, (spool) => spoolArchive(createReadStream(many.file), spool, { signal, limits }));
  await expect(counting).rejects.toMatchObject({ code: 'ARCHIVE_TOO_LARGE' });
  expect(readdirSync(temp.dir).filter((name) => name.startsWith('millrace-spool'))).toEqual([]);
});

test('a file in the place of a folder is refused, a second one of a name replaces the first', async () => {
  const twice = await write([
    { path: 'a', data: 'one' },
    { path: 'a', data: 'two' },
  ]);
  await withSpool(temp.dir, async (spool) => {
    const {
      entries: [entry],
    } = await spoolArchive(createReadStream(twice.file), spool, { signal });
    if (entry?.from === undefined || !('spool' in entry.from)) throw new Error('no file');
    expect((await spool.read(entry.from)).toString()).toBe('two');
  });
  const clash = await write([
    { path: 'a', data: 'file' },
    { path: 'a/b', data: 'below' },
  ]);
  const reading = withSpool(temp.dir, (spool) => spoolArchive(createReadStream(clash.file), spool, { signal }));
  await expect(reading).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
});

test('an abort ends reading and writing', async () => {
  const controller = new AbortController();
  const { file } = await write([{ path: 'a', data: 'x'.repeat(100_000) }]);
  const reading = readArchive(createReadStream(file), { signal: controller.signal }, async () => {
    controller.abort(new Error('enough'));
  });
  await expect(reading).rejects.toThrow('enough');
});
