import { builtinMergeNode, builtinScopes, kustomizationMergeNode } from './builtin-merge-keys.ts';

/** How a strategic merge patch treats a field and what is in it. */
export interface MergeNode {
  /** A list that is merged: by these fields of its items, by the items themselves where there are none. Else it is replaced. */
  readonly keys?: readonly string[];
  readonly items?: MergeNode;
  field?(name: string): MergeNode | undefined;
}

/** What an `openapi` file says about kinds. */
export interface CustomSchema {
  mergeNodes: ReadonlyMap<string, MergeNode>;
  /** By `apiVersion/kind`: whether it is in a namespace. */
  scopes: ReadonlyMap<string, boolean>;
}

/**
 * What one build knows of the kinds of objects. An `openapi` file takes the place of the built-in merge keys, unless these were
 * needed before it was met; only the first such file of a build counts. All as kustomize does it.
 */
export class KubernetesSchema {
  private readonly scopes = builtinScopes();
  private custom: (() => CustomSchema) | undefined;
  private isSet = false;
  private builtinIsLoaded = false;

  /** False where an earlier schema is kept. */
  get acceptsCustom(): boolean {
    return !this.isSet;
  }

  /** Sets the schema of the build: a file's, or the built-in one by its version. */
  set(custom: (() => CustomSchema) | undefined): void {
    this.isSet = true;
    this.custom = custom;
  }

  /** True for kinds that are known to be in no namespace; unknown kinds are taken to be in one. */
  isClusterScoped(apiVersion: string, kind: string): boolean {
    const key = `${apiVersion}/${kind}`;
    const known = this.scopes.get(key);
    if (known !== undefined) return !known;
    if (this.custom === undefined) this.builtinIsLoaded = true;
    return this.custom?.().scopes.get(key) === false;
  }

  /** How patches merge into objects of a kind; undefined where nothing is known. */
  mergeNode(apiVersion: string, kind: string): MergeNode | undefined {
    const key = `${apiVersion}/${kind}`;
    if (this.custom === undefined) this.builtinIsLoaded = true;
    const custom = this.custom?.().mergeNodes.get(key);
    if (custom !== undefined) return custom;
    if (key === 'kustomize.config.k8s.io/v1beta1/Kustomization') return kustomizationMergeNode;
    return this.builtinIsLoaded ? builtinMergeNode(key, this.scopes.has(key)) : undefined;
  }
}
