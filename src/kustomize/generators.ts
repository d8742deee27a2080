import { isUtf8 } from 'node:buffer';
import { setKey } from '../yaml/original-text.ts';
import type { BuildContext } from './build-context.ts';
import { buildError } from './build-error.ts';
import { type KeyValueSources, readKeyValues } from './key-values.ts';
import type { NamingPlace } from './read-named.ts';
import { type Behavior, Resource, textsIn } from './resource.ts';
import { formatId } from './resource-id.ts';
import type { ResourceList } from './resource-list.ts';

type Fields = Record<string, unknown>;
type Texts = Readonly<Record<string, string>>;

/** `generatorOptions`, and the options of one generator. */
export interface GeneratorOptions {
  labels?: Texts;
  annotations?: Texts;
  disableNameSuffixHash?: boolean;
  immutable?: boolean;
}

/** An entry of `configMapGenerator` or `secretGenerator`. */
export interface GeneratorArgs extends KeyValueSources {
  name?: string;
  namespace?: string;
  behavior?: string;
  options?: GeneratorOptions;
  type?: string;
}

/** Makes the ConfigMap or Secret of one generator. Throws KUSTOMIZE_BUILD_FAILED. */
export function generate(
  context: BuildContext,
  place: NamingPlace,
  kind: 'ConfigMap' | 'Secret',
  args: GeneratorArgs,
): Resource {
  const { name = '', namespace = '', options = {}, behavior } = args;
  if (name === '') throw buildError(place.path, `a ${kind} generator has no name`);
  const object: Fields = {
    apiVersion: 'v1',
    kind,
    metadata: { name, ...(namespace === '' ? {} : { namespace }), ...pairsOf(options) },
    ...dataOf(kind, readKeyValues(context.fs, place, args, name)),
    ...(kind === 'Secret' ? { type: args.type || 'Opaque' } : {}),
    ...(options.immutable === true ? { immutable: true } : {}),
  };
  const resource = new Resource(object, place.path, context.schema);
  resource.needsHash = options.disableNameSuffixHash !== true;
  resource.behavior = behavior === 'merge' || behavior === 'replace' ? behavior : ('create' satisfies Behavior);
  return resource;
}

/** The options of one generator over those of the file. */
export function mergedOptions(own: GeneratorOptions = {}, common: GeneratorOptions | undefined): GeneratorOptions {
  if (common === undefined) return own;
  return {
    labels: { ...common.labels, ...own.labels },
    annotations: { ...common.annotations, ...own.annotations },
    disableNameSuffixHash: own.disableNameSuffixHash === true || common.disableNameSuffixHash === true,
    immutable: own.immutable === true || common.immutable === true,
  };
}

function pairsOf({ labels = {}, annotations = {} }: GeneratorOptions): Fields {
  return Object.fromEntries(Object.entries({ labels, annotations }).filter(([, map]) => Object.keys(map).length > 0));
}

/** Base64; in lines of 70 where it is longer than one. */
function wrapped(content: Buffer): string {
  const text = content.toString('base64');
  return text.length < 70 ? text : `${(text.match(/.{1,70}/g) ?? []).join('\n')}\n`;
}

function dataOf(kind: 'ConfigMap' | 'Secret', pairs: ReadonlyMap<string, Buffer>): Fields {
  const data: Fields = {};
  const binaryData: Fields = {};
  for (const [key, content] of pairs) {
    if (kind === 'Secret') setKey(data, key, wrapped(content));
    else if (isUtf8(content)) setKey(data, key, content.toString('utf8'));
    else setKey(binaryData, key, wrapped(content));
  }
  const maps = { data, binaryData };
  return Object.fromEntries(
    Object.entries(maps).filter(([, map]) => Object.keys(map).length > 0 || (kind === 'Secret' && map === data)),
  );
}

/** A generated object joins, changes or takes the place of one of its name. Throws KUSTOMIZE_BUILD_FAILED. */
export function absorb(list: ResourceList, generated: Resource, where: string): void {
  const { id, behavior } = generated;
  const matches = list.matchingAnyId(id);
  const [old] = matches;
  if (old === undefined) {
    if (behavior === 'create') return list.append([generated]);
    throw buildError(where, `the generator ${id.name} should ${behavior} ${formatId(id)}, but there is none`);
  }
  if (matches.length > 1)
    throw buildError(where, `several objects could be meant by the generator ${id.name}: ${formatId(id)}`);
  if (behavior === 'create') {
    const hint = "Set 'behavior: merge' or 'behavior: replace' to change it.";
    throw buildError(
      where,
      `may not add resource with an already registered id: ${formatId(id)} (also in ${old.source})`,
      hint,
    );
  }
  takeOver(generated, old);
  if (behavior === 'merge') {
    mergeData(generated, old, 'data');
    mergeData(generated, old, 'binaryData');
    if (old.origin !== undefined) generated.origin = old.origin;
  }
  list.replace(old, generated);
}

/** Name, namespace, and what the build knows of the old object, go to the new one. */
function takeOver(generated: Resource, old: Resource): void {
  generated.setPairs('labels', { ...old.labels(), ...generated.labels() });
  generated.setPairs('annotations', { ...old.annotations(), ...generated.annotations() });
  generated.setName(old.name);
  generated.setNamespace(old.namespace);
  generated.previous = [...old.previous];
  generated.prefixes = [...old.prefixes];
  generated.suffixes = [...old.suffixes];
  generated.varNames = [...old.varNames];
  generated.needsHash = generated.needsHash && old.needsHash;
  generated.behavior = old.behavior;
  generated.transformations = [...old.transformations];
}

function mergeData(generated: Resource, old: Resource, field: 'data' | 'binaryData'): void {
  const merged = { ...textsIn(old.object[field]), ...textsIn(generated.object[field]) };
  if (Object.keys(merged).length > 0) generated.object[field] = merged;
  else delete generated.object[field];
}
