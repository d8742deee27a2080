import { isRecord } from '../base/json.ts';
import type { KubeObject } from '../base/kube-object.ts';
import { buildError } from './build-error.ts';
import type { FileSystem } from './file-system.ts';
import { type KustomizationFile, recordsField } from './kustomization-file.ts';
import { readNamed } from './read-named.ts';
import { newResource, type Resource } from './resource.ts';

/** The ConfigMaps and Secrets that a kustomization file generates. */
export function generate(fs: FileSystem, file: KustomizationFile): Resource[] {
  const common = isRecord(file.fields['generatorOptions']) ? file.fields['generatorOptions'] : {};
  return [
    ...recordsField(file, 'configMapGenerator').map((args) => generateOne(fs, file, 'ConfigMap', args, common)),
    ...recordsField(file, 'secretGenerator').map((args) => generateOne(fs, file, 'Secret', args, common)),
  ];
}

type Fields = Record<string, unknown>;

function generateOne(
  fs: FileSystem,
  file: KustomizationFile,
  kind: 'ConfigMap' | 'Secret',
  args: Fields,
  common: Fields,
): Resource {
  const { name, namespace, behavior = 'create' } = args;
  if (typeof name !== 'string' || name === '') throw buildError(file.path, `a ${kind} generator has no name`);
  if (behavior !== 'create' && behavior !== 'merge' && behavior !== 'replace') {
    throw buildError(file.path, `the generator ${name} has the unknown behavior '${String(behavior)}'`);
  }
  const own = isRecord(args['options']) ? args['options'] : {};
  const maps = (field: string) => ({ ...stringMap(common[field]), ...stringMap(own[field]) });
  const [labels, annotations] = [maps('labels'), maps('annotations')];
  const object: KubeObject = {
    apiVersion: 'v1',
    kind,
    metadata: {
      name,
      ...(typeof namespace === 'string' ? { namespace } : {}),
      ...(Object.keys(labels).length === 0 ? {} : { labels }),
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    },
    ...dataOf(kind, readPairs(fs, file, args, name)),
    ...(kind === 'Secret' ? { type: typeof args['type'] === 'string' ? args['type'] : 'Opaque' } : {}),
    ...(own['immutable'] === true || common['immutable'] === true ? { immutable: true } : {}),
  };
  const disabled = own['disableNameSuffixHash'] === true || common['disableNameSuffixHash'] === true;
  return { ...newResource(object, file.path), needsHash: !disabled, behavior, generator: `${kind}Generator` };
}

function stringMap(value: unknown): Record<string, string> {
  return isRecord(value) ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, String(item)])) : {};
}

/** Key and content of every file, env file and literal, in this order. */
function readPairs(fs: FileSystem, file: KustomizationFile, args: Fields, name: string): [string, Buffer][] {
  const texts = (field: string) => (Array.isArray(args[field]) ? args[field].map(String) : []);
  const read = (path: string) => readNamed(fs, file, path);
  const envs = [...texts('envs'), ...(typeof args['env'] === 'string' ? [args['env']] : [])];
  return [
    ...texts('files').map((spec): [string, Buffer] => {
      const [key, path] = spec.includes('=') ? split(spec) : [spec.slice(spec.lastIndexOf('/') + 1), spec];
      return [key, read(path)];
    }),
    ...envs.flatMap((path) => envPairs(read(path).toString('utf8'))),
    ...texts('literals').map((literal): [string, Buffer] => {
      if (!literal.includes('='))
        throw buildError(file.path, `the literal '${literal}' of ${name} should be KEY=VALUE`);
      const [key, value] = split(literal);
      return [key, Buffer.from(unquoted(value))];
    }),
  ];
}

function split(text: string): [string, string] {
  const index = text.indexOf('=');
  return [text.slice(0, index), text.slice(index + 1)];
}

function unquoted(value: string): string {
  const quote = value[0];
  return value.length >= 2 && (quote === '"' || quote === "'") && value.endsWith(quote) ? value.slice(1, -1) : value;
}

function envPairs(text: string): [string, Buffer][] {
  return text.split(/\r?\n/).flatMap((line): [string, Buffer][] => {
    const trimmed = line.trimStart();
    if (trimmed === '' || trimmed.startsWith('#')) return [];
    const [key, value] = trimmed.includes('=') ? split(trimmed) : [trimmed, ''];
    return [[key, Buffer.from(value)]];
  });
}

/** Base64; in lines of 70 where it is longer than one. */
function wrapped(content: Buffer): string {
  const text = content.toString('base64');
  return text.length <= 70 ? text : `${(text.match(/.{1,70}/g) ?? []).join('\n')}\n`;
}

function dataOf(kind: 'ConfigMap' | 'Secret', pairs: readonly [string, Buffer][]): Fields {
  const data: Record<string, string> = {};
  const binaryData: Record<string, string> = {};
  for (const [key, content] of pairs) {
    const text = content.toString('utf8');
    const isText = Buffer.from(text).equals(content);
    if (kind === 'Secret') data[key] = wrapped(content);
    else if (isText) data[key] = text;
    else binaryData[key] = wrapped(content);
  }
  return {
    ...(Object.keys(data).length === 0 ? {} : { data }),
    ...(Object.keys(binaryData).length === 0 ? {} : { binaryData }),
  };
}
