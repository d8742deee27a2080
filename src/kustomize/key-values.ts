import { isUtf8 } from 'node:buffer';
import { posix } from 'node:path';
import { buildError } from './build-error.ts';
import { forEachCollecting } from './faults.ts';
import type { SourceFiles } from './file-system.ts';
import { type NamingPlace, readNamed } from './read-named.ts';

/** Where a generator takes its data from. */
export interface KeyValueSources {
  literals?: readonly string[];
  files?: readonly string[];
  envs?: readonly string[];
  env?: string;
}

/** Every key with its content. Throws KUSTOMIZE_BUILD_FAILED for all sources that cannot be used, and for a key given twice. */
export function readKeyValues(
  fs: SourceFiles,
  place: NamingPlace,
  { literals = [], files = [], envs = [], env = '' }: KeyValueSources,
  generator: string,
): Map<string, Buffer> {
  const fault = (what: string, hint?: string) => buildError(place.path, `the generator ${generator}: ${what}`, hint);
  const sources: (() => [string, Buffer][])[] = [
    ...[...envs, ...(env === '' ? [] : [env])].map((path) => () => envPairs(readNamed(fs, place, path), path, fault)),
    ...literals.map((literal) => () => [literalPair(literal, fault)]),
    ...files.map((file) => (): [string, Buffer][] => {
      const { key, path } = fileSource(file, fault);
      return [[key, readNamed(fs, place, path)]];
    }),
  ];
  const pairs = forEachCollecting(sources, (read) => read()).flat();
  const result = new Map<string, Buffer>();
  for (const [key, content] of pairs) {
    if (result.has(key)) throw fault(`the key '${key}' is given more than once`);
    result.set(key, content);
  }
  return result;
}

type Fault = (what: string, hint?: string) => Error;

function literalPair(literal: string, fault: Fault): [string, Buffer] {
  const index = literal.indexOf('=');
  if (index <= 0) throw fault(`the literal '${literal}' should be KEY=VALUE`);
  return [literal.slice(0, index), Buffer.from(unquoted(literal.slice(index + 1)))];
}

function unquoted(value: string): string {
  const quote = value[0];
  return value.length >= 2 && (quote === '"' || quote === "'") && value.endsWith(quote) ? value.slice(1, -1) : value;
}

/** `path`, whose last part is the key, or `key=path`. */
function fileSource(source: string, fault: Fault): { key: string; path: string } {
  const [first = '', second, ...more] = source.split('=');
  if (more.length > 0) throw fault(`the file source '${source}' should be KEY=PATH, without another '='`);
  if (second === undefined) return { key: posix.basename(source), path: source };
  if (first === '' || second === '') throw fault(`the file source '${source}' should be KEY=PATH`);
  return { key: first, path: second };
}

/** Lines of KEY=VALUE; a key alone has an empty value. */
function envPairs(content: Buffer, path: string, fault: Fault): [string, Buffer][] {
  if (!isUtf8(content)) throw fault(`the env file '${path}' is not UTF-8 text`);
  const text = content.toString('utf8').replace(/^\uFEFF/, '');
  return text.split(/\r?\n/).flatMap((line): [string, Buffer][] => {
    const trimmed = line.trimStart();
    if (trimmed === '' || trimmed.startsWith('#')) return [];
    const index = trimmed.indexOf('=');
    if (index === 0) return [];
    const [key, value] = index < 0 ? [trimmed, ''] : [trimmed.slice(0, index), trimmed.slice(index + 1)];
    return [[key, Buffer.from(value)]];
  });
}
