import { buildError } from './build-error.ts';
import type { Resource } from './resource.ts';
import { formatId, idKey, type ResourceId } from './resource-id.ts';

/** The resources of a build so far, in order. No two have the same id. */
export class ResourceList {
  private list: Resource[] = [];
  /** By every id that a resource has or had; made when asked for, dropped when a change may have outdated it. */
  private byId: Map<string, Resource[]> | undefined;
  private currentIds: Set<string> | undefined;

  get resources(): readonly Resource[] {
    return this.list;
  }

  /** Puts other resources in the place of all there are. Ids must be looked at again. */
  replaceAll(resources: readonly Resource[]): void {
    this.list = [...resources];
    this.idsChanged();
  }

  /** To be called after names, namespaces or kinds have changed. */
  idsChanged(): void {
    this.byId = undefined;
    this.currentIds = undefined;
  }

  /** Adds resources at the end. Throws KUSTOMIZE_BUILD_FAILED where an id is there already. */
  append(resources: readonly Resource[]): void {
    const known = this.currentIds ?? new Set(this.list.map(({ id }) => idKey(id)));
    this.currentIds = known;
    for (const resource of resources) {
      const key = idKey(resource.id);
      if (known.has(key)) {
        const other = this.list.find(({ id }) => idKey(id) === key);
        throw buildError(
          resource.source,
          `may not add resource with an already registered id: ${formatId(resource.id)}${other === undefined ? '' : ` (also in ${other.source})`}`,
        );
      }
      known.add(key);
      this.list.push(resource);
    }
    this.byId = undefined;
  }

  /** Every resource that has the id, or had it. */
  matchingAnyId(id: ResourceId): readonly Resource[] {
    this.byId ??= indexByAnyId(this.list);
    return this.byId.get(idKey(id)) ?? [];
  }

  /** The one resource that has or had the id. Throws KUSTOMIZE_BUILD_FAILED where there are none or several. */
  theOneWith(id: ResourceId, where: string, what: string): Resource {
    const found = this.matchingAnyId(id);
    const [first] = found;
    if (first === undefined) {
      const near = this.list.filter(({ kind, name }) => kind === id.kind && name === id.name);
      const hint =
        near[0] === undefined ? undefined : `There is ${formatId(near[0].id)}: apiVersion and namespace count too.`;
      throw buildError(where, `no resource matches ${what} ${formatId(id)}`, hint);
    }
    if (found.length > 1) throw buildError(where, `several resources match ${what} ${formatId(id)}`);
    return first;
  }

  /** Puts a resource in the place of another. */
  replace(old: Resource, resource: Resource): void {
    this.list[this.list.indexOf(old)] = resource;
    this.idsChanged();
  }
}

function indexByAnyId(resources: readonly Resource[]): Map<string, Resource[]> {
  const index = new Map<string, Resource[]>();
  for (const resource of resources) {
    for (const id of [...resource.previousIds, resource.id]) {
      const key = idKey(id);
      const known = index.get(key);
      if (known === undefined) index.set(key, [resource]);
      else if (known.at(-1) !== resource) known.push(resource);
    }
  }
  return index;
}
