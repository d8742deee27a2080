import { textAt } from '../../base/json.ts';
import type { KubeObject } from '../../base/kube-object.ts';
import { type Manifest, ofKind, type TreeManifests } from './manifests.ts';
import { impossible } from './tree.ts';

/** What the cluster is synchronised by: the source of the tree and the Kustomization of its folder. */
export interface Sync {
  source: KubeObject;
  kustomization: KubeObject;
  /** Branch that the source follows; the rehearsed tree is put there. */
  branch: string;
  /** The folder, without `./`. */
  path: string;
  /** What was made up because the tree does not have it. */
  assumed: string | undefined;
}

const sources = 'source.toolkit.fluxcd.io';
const kustomize = 'kustomize.toolkit.fluxcd.io';
const systemNamespace = 'flux-system';

/**
 * Finds how a cluster is synchronised from the tree: the Kustomization whose path is `path`, or, where none is given, the only one
 * that is written below its own path, as `flux bootstrap` leaves it; or the sync of a FluxInstance. Throws REHEARSAL_IMPOSSIBLE.
 */
export function findSync(read: TreeManifests, path: string | undefined): Sync {
  const wanted = path === undefined ? undefined : cleanPath(path);
  const kustomizations = ofKind(read, kustomize, 'Kustomization');
  const ofPath = kustomizations.filter(({ object }) => cleanPath(textAt(object, 'spec', 'path') ?? '') === wanted);
  const self = kustomizations.filter((manifest) => isBelowItself(manifest));
  const chosen = wanted === undefined ? self : ofPath.filter((manifest) => self.includes(manifest)).concat(ofPath);
  const distinct = [...new Set(chosen.map(({ object }) => cleanPath(textAt(object, 'spec', 'path') ?? '')))];
  if (wanted === undefined && distinct.length > 1)
    throw impossible(
      `the tree has the folders of ${distinct.length} clusters`,
      undefined,
      `Choose one with --path: ${distinct.join(', ')}.`,
    );
  const [found] = chosen;
  if (found !== undefined) return ofKustomization(read, found);
  const instances = ofKind(read, 'fluxcd.controlplane.io', 'FluxInstance').filter(({ object }) => {
    const own = textAt(object, 'spec', 'sync', 'path');
    return own !== undefined && (wanted === undefined || cleanPath(own) === wanted);
  });
  const [instance] = instances;
  if (instance !== undefined) return ofInstance(instance.object);
  if (wanted !== undefined)
    return madeUp({ path: wanted, assumed: `GitRepository and Kustomization ${systemNamespace}` });
  throw impossible(
    'the tree does not say which folder the cluster is synchronised from',
    undefined,
    'Name it with --path, clusters/prod for instance.',
  );
}

function isBelowItself({ path, object }: Manifest): boolean {
  const own = cleanPath(textAt(object, 'spec', 'path') ?? '');
  return own === '' ? path.includes('flux-system/') || !path.includes('/') : path.startsWith(`${own}/`);
}

function ofKustomization(read: TreeManifests, { object }: Manifest): Sync {
  const name = textAt(object, 'spec', 'sourceRef', 'name');
  const source = ofKind(read, sources, 'GitRepository').find(({ object: git }) => git.metadata.name === name)?.object;
  const path = cleanPath(textAt(object, 'spec', 'path') ?? '');
  if (source === undefined)
    return { ...madeUp({ path, assumed: `GitRepository ${name}`, name }), kustomization: inSystem(object) };
  return {
    source: inSystem(source),
    kustomization: inSystem(object),
    branch: branchOf(source),
    path,
    assumed: undefined,
  };
}

function ofInstance(instance: KubeObject): Sync {
  const sync = (field: string) => textAt(instance, 'spec', 'sync', field);
  const { namespace = systemNamespace } = instance.metadata;
  const name = sync('name') ?? namespace;
  const branch = sync('ref')?.replace(/^refs\/heads\//, '') ?? 'main';
  const path = cleanPath(sync('path') ?? '');
  return madeUp({ path, name, namespace, branch, url: sync('url'), assumed: undefined });
}

/** The objects that `flux bootstrap` or a FluxInstance would have made. */
function madeUp(options: {
  path: string;
  assumed: string | undefined;
  name?: string | undefined;
  namespace?: string;
  branch?: string;
  url?: string | undefined;
}): Sync {
  const { path, assumed, name = systemNamespace, namespace = systemNamespace, branch = 'main' } = options;
  const metadata = { name, namespace };
  return {
    branch,
    path,
    assumed,
    source: {
      apiVersion: `${sources}/v1`,
      kind: 'GitRepository',
      metadata,
      spec: { interval: '1m0s', url: options.url ?? rehearsedUrl, ref: { branch } },
    },
    kustomization: {
      apiVersion: `${kustomize}/v1`,
      kind: 'Kustomization',
      metadata,
      spec: { interval: '10m0s', path: `./${path}`, prune: true, sourceRef: { kind: 'GitRepository', name } },
    },
  };
}

/** Stands for the rehearsed repository where nothing says its URL. */
export const rehearsedUrl = 'https://rehearsed.invalid/fleet.git';

/** Branch that a GitRepository follows; `main` where it follows a tag, a range or a commit. */
export function branchOf(source: KubeObject): string {
  const name = textAt(source, 'spec', 'ref', 'name');
  if (name?.startsWith('refs/heads/') === true) return name.slice('refs/heads/'.length);
  return textAt(source, 'spec', 'ref', 'branch') ?? (hasOtherRef(source) ? 'main' : 'master');
}

function hasOtherRef(source: KubeObject): boolean {
  return ['tag', 'semver', 'commit', 'name'].some((field) => textAt(source, 'spec', 'ref', field) !== undefined);
}

function inSystem(object: KubeObject): KubeObject {
  return { ...object, metadata: { namespace: systemNamespace, ...object.metadata } };
}

/** A path of a Kustomization or of the command line as the tree's files have it. */
export function cleanPath(path: string): string {
  return path
    .replace(/^(\.?\/)+/, '')
    .replace(/\/+$/, '')
    .replace(/^\.$/, '');
}

/** A git URL without what may differ between two ways to the same repository: scheme, user, `.git`. */
export function repositoryKey(url: string): string {
  const scp = /^(?:[^@/]+@)?([^:/]+):(?!\/)(.+)$/.exec(url);
  const [, host = '', path = ''] = scp ?? /^[a-z+]+:\/\/(?:[^@/]*@)?([^/]+)\/(.*)$/.exec(url) ?? ['', '', url];
  const bare = path.replace(/\/+$/, '').replace(/\.git$/, '');
  return `${host.replace(/:\d+$/, '').replace(/^(ssh|altssh)\./, '')}/${bare}`.toLowerCase();
}
