import { isRecord } from '../base/json.ts';
import type { KubeObject } from '../base/kube-object.ts';
import { scalarText, setKey, textOf } from '../yaml/original-text.ts';
import type { KubernetesSchema } from './kubernetes-schema.ts';
import type { Origin } from './origin.ts';
import { effectiveNamespace, type GroupVersionKind, gvkOf, type ResourceId } from './resource-id.ts';

type Fields = Record<string, unknown>;

/** How a generated object treats one of its name that is there already. */
export type Behavior = 'create' | 'merge' | 'replace';

interface FormerName {
  name: string;
  namespace: string;
  kind: string;
}

/** An object on its way through a build, with what it was called before and how it came about. */
export class Resource {
  object: KubeObject;
  /** The file it was read from, or that generates it. */
  readonly source: string;
  readonly schema: KubernetesSchema;
  /** Names, namespaces and kinds that it had, the first one first; not what it has now. */
  previous: FormerName[] = [];
  /** Affixes that were added to the name, the innermost first. */
  prefixes: string[] = [];
  suffixes: string[] = [];
  /** The name gets a suffix made of the content. */
  needsHash = false;
  behavior: Behavior = 'create';
  /** The vars that read from it. */
  varNames: readonly string[] = [];
  /** Only kept when the build annotates where things come from. */
  origin?: Origin;
  transformations: Origin[] = [];
  private lastApiVersion = '';
  private lastGvk: GroupVersionKind | undefined;
  private lastIdGvk: GroupVersionKind | undefined;
  private lastId: ResourceId | undefined;

  constructor(object: Fields, source: string, schema: KubernetesSchema) {
    this.object = object as KubeObject;
    this.source = source;
    this.schema = schema;
  }

  get name(): string {
    return textOf(this.metadata, 'name');
  }

  get namespace(): string {
    return textOf(this.metadata, 'namespace');
  }

  get kind(): string {
    return textOf(this.object, 'kind');
  }

  get apiVersion(): string {
    return textOf(this.object, 'apiVersion');
  }

  private get metadata(): Fields {
    return isRecord(this.object.metadata) ? this.object.metadata : {};
  }

  /** What it is called now. No two resources of a build may share it. */
  get id(): ResourceId {
    const { gvk, name, namespace, lastId } = this;
    const isClusterScoped = this.schema.isClusterScoped(this.apiVersion, gvk.kind);
    if (
      lastId?.name !== name ||
      lastId.namespace !== namespace ||
      lastId.isClusterScoped !== isClusterScoped ||
      this.lastIdGvk !== gvk
    ) {
      const { group, version, kind } = gvk;
      this.lastIdGvk = gvk;
      this.lastId = { group, version, kind, name, namespace, isClusterScoped };
    }
    return this.lastId as ResourceId;
  }

  /** Asked for with every field of every transformer, so that the last answer is kept. */
  get gvk(): GroupVersionKind {
    const { apiVersion, kind } = this;
    if (this.lastGvk === undefined || this.lastApiVersion !== apiVersion || this.lastGvk.kind !== kind) {
      this.lastApiVersion = apiVersion;
      this.lastGvk = gvkOf(apiVersion, kind);
    }
    return this.lastGvk;
  }

  get previousIds(): ResourceId[] {
    return this.previous.map((one) => this.formerId(one));
  }

  /** What it was called at first. */
  get originalId(): ResourceId {
    const [first] = this.previous;
    return first === undefined ? this.id : this.formerId(first);
  }

  private formerId({ name, namespace, kind }: FormerName): ResourceId {
    const { group, version } = this.gvk;
    return { group, version, kind, name, namespace, isClusterScoped: false };
  }

  /** Keeps the present id before it changes; what refers to the resource may use any id that it had. */
  rememberId(): void {
    const { id } = this;
    this.previous.push({ name: id.name, namespace: effectiveNamespace(id), kind: id.kind });
  }

  setName(name: string): void {
    this.ownMetadata()['name'] = name;
  }

  /** '' removes the namespace. */
  setNamespace(namespace: string): void {
    if (namespace === '') delete this.ownMetadata()['namespace'];
    else this.ownMetadata()['namespace'] = namespace;
  }

  labels(): Record<string, string> {
    return textsIn(this.metadata['labels']);
  }

  annotations(): Record<string, string> {
    return textsIn(this.metadata['annotations']);
  }

  /** Sets `labels` or `annotations`; an empty map is left out. */
  setPairs(field: 'labels' | 'annotations', pairs: Record<string, string>): void {
    const metadata = this.ownMetadata();
    if (Object.keys(pairs).length === 0) delete metadata[field];
    else metadata[field] = pairs;
  }

  /** Adds annotations; afterwards there is a mapping of them, even an empty one. */
  addAnnotations(pairs: Record<string, string>): void {
    this.ownMetadata()['annotations'] = { ...this.annotations(), ...pairs };
  }

  private ownMetadata(): Fields {
    if (!isRecord(this.object.metadata)) (this.object as Fields)['metadata'] = {};
    return this.object.metadata as unknown as Fields;
  }
}

/** A map with all values as the texts that they were written as. */
export function textsIn(map: unknown): Record<string, string> {
  const result: Record<string, string> = {};
  if (!isRecord(map)) return result;
  for (const key of Object.keys(map)) setKey(result, key, isRecord(map[key]) ? scalarText(map[key]) : textOf(map, key));
  return result;
}
