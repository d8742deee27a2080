import { isMillraceError, MillraceError } from '../base/error.ts';
import { isRecord } from '../base/json.ts';
import type { KindRef, KubeObject } from '../base/kube-object.ts';
import type { CallOptions, KubeClient } from '../kube/client.ts';

/** A kind that the commands know by name, with what its table shows. */
export interface FluxKind {
  kind: string;
  /** Newest first: the first one that the cluster serves is used. */
  apiVersions: readonly string[];
  plural: string;
  aliases: readonly string[];
  /** The word of groups that `get` accepts for several kinds. */
  group: 'sources' | 'images' | 'kustomizations' | 'helm' | 'instances' | 'notifications';
  /** Without conditions: nobody reconciles it. */
  isData?: true;
  columns: readonly Column[];
  /** Whether `spec.suspend` stops it; policies have no such field. */
  canSuspend: boolean;
  /** The source that the object is made from, for `--with-source`. */
  sourceOf?(object: KubeObject): { kind: string; name: string; namespace?: string } | undefined;
}

export interface Column {
  title: string;
  value(object: KubeObject): string;
}

const sourceApi = ['source.toolkit.fluxcd.io/v1', 'source.toolkit.fluxcd.io/v1beta2'];
const imageApi = ['image.toolkit.fluxcd.io/v1', 'image.toolkit.fluxcd.io/v1beta2'];

const notificationApi = ['notification.toolkit.fluxcd.io/v1beta3'];

const artifactRevision: Column = {
  title: 'REVISION',
  value: (object) => shortRevision(read(object, 'status', 'artifact', 'revision')),
};
const field = (title: string, ...path: string[]): Column => ({ title, value: (object) => text(read(object, ...path)) });

function source(kind: string, plural: string, ...aliases: string[]): FluxKind {
  return {
    kind,
    apiVersions: sourceApi,
    plural,
    aliases,
    group: 'sources',
    columns: [artifactRevision],
    canSuspend: true,
  };
}

export const fluxKinds: readonly FluxKind[] = [
  source('GitRepository', 'gitrepositories', 'gitrepo', 'git'),
  source('OCIRepository', 'ocirepositories', 'ocirepo', 'oci'),
  source('Bucket', 'buckets'),
  source('HelmRepository', 'helmrepositories', 'helmrepo'),
  { ...source('HelmChart', 'helmcharts', 'hc'), sourceOf: (object) => sourceRef(read(object, 'spec', 'sourceRef')) },
  {
    kind: 'Kustomization',
    apiVersions: ['kustomize.toolkit.fluxcd.io/v1'],
    plural: 'kustomizations',
    aliases: ['ks'],
    group: 'kustomizations',
    columns: [{ title: 'REVISION', value: (object) => shortRevision(read(object, 'status', 'lastAppliedRevision')) }],
    canSuspend: true,
    sourceOf: (object) => sourceRef(read(object, 'spec', 'sourceRef')),
  },
  {
    kind: 'HelmRelease',
    apiVersions: ['helm.toolkit.fluxcd.io/v2'],
    plural: 'helmreleases',
    aliases: ['hr'],
    group: 'helm',
    columns: [{ title: 'REVISION', value: (object) => lastRelease(read(object, 'status', 'history')) }],
    canSuspend: true,
  },
  {
    kind: 'ImageRepository',
    apiVersions: imageApi,
    plural: 'imagerepositories',
    aliases: ['imgrepo', 'imagerepo'],
    group: 'images',
    columns: [
      field('LAST SCAN', 'status', 'lastScanResult', 'scanTime'),
      field('TAGS', 'status', 'lastScanResult', 'tagCount'),
    ],
    canSuspend: true,
  },
  {
    kind: 'ImagePolicy',
    apiVersions: imageApi,
    plural: 'imagepolicies',
    aliases: ['imgpol', 'imagepol'],
    group: 'images',
    columns: [field('IMAGE', 'status', 'latestRef', 'name'), field('TAG', 'status', 'latestRef', 'tag')],
    canSuspend: true,
    sourceOf: (object) => sourceRef(read(object, 'spec', 'imageRepositoryRef'), 'ImageRepository'),
  },
  {
    kind: 'ImageUpdateAutomation',
    apiVersions: imageApi,
    plural: 'imageupdateautomations',
    aliases: ['iua', 'imgupd', 'imgauto', 'imageupdateauto', 'imageauto'],
    group: 'images',
    columns: [field('LAST RUN', 'status', 'lastAutomationRunTime')],
    canSuspend: true,
    sourceOf: (object) => sourceRef(read(object, 'spec', 'sourceRef'), 'GitRepository'),
  },
  {
    kind: 'FluxInstance',
    apiVersions: ['fluxcd.controlplane.io/v1'],
    plural: 'fluxinstances',
    aliases: ['instance'],
    group: 'instances',
    columns: [field('REVISION', 'status', 'lastAppliedRevision')],
    canSuspend: false,
  },
  {
    kind: 'Alert',
    apiVersions: notificationApi,
    plural: 'alerts',
    aliases: [],
    group: 'notifications',
    columns: [field('PROVIDER', 'spec', 'providerRef', 'name'), field('SEVERITY', 'spec', 'eventSeverity')],
    canSuspend: true,
    isData: true,
  },
  {
    kind: 'Provider',
    apiVersions: notificationApi,
    plural: 'providers',
    aliases: ['alert-provider', 'alert-providers'],
    group: 'notifications',
    columns: [field('TYPE', 'spec', 'type'), field('CHANNEL', 'spec', 'channel')],
    canSuspend: true,
    isData: true,
  },
];

/** How the flux CLI calls kinds after the word of their group: `get sources git`, `get image policy`. */
const wordsInGroups: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  sources: { helm: 'HelmRepository', chart: 'HelmChart', bucket: 'Bucket' },
  images: { repository: 'ImageRepository', policy: 'ImagePolicy', update: 'ImageUpdateAutomation' },
};

/**
 * What the words after `get` mean: a kind or a group, as `kindsNamed`, and a name; also in the form of the flux CLI, with the
 * group before the kind: `sources git fleet`, `images all`. Throws BAD_INPUT.
 */
export function kindsAndName([word = 'all', second, third]: readonly string[]): { kinds: FluxKind[]; name?: string } {
  const group = Object.keys(wordsInGroups).find((one) => one === word || one === `${word}s`);
  const inner = group === undefined || second === undefined ? undefined : kindsInGroup(group, second.toLowerCase());
  const [kinds, name, excess] = inner === undefined ? [kindsNamed(word), second, third] : [inner, third, undefined];
  if (excess !== undefined)
    throw new MillraceError('BAD_INPUT', `'${excess}' is one word too many`, {
      hint: 'Name one object, or none for all of them.',
      retry: 'never',
    });
  return { kinds, ...(name === undefined ? {} : { name }) };
}

function kindsInGroup(group: string, word: string): FluxKind[] | undefined {
  const members = fluxKinds.filter((kind) => kind.group === group);
  if (word === 'all') return members;
  const called = wordsInGroups[group]?.[word.replace(/s$/, '')];
  const found = members.filter((kind) => kind.kind === called || names(kind).includes(word));
  return found.length === 0 ? undefined : found;
}

/** The kinds that a word means: `all`, a group, or one kind by its name, plural or short name. Throws BAD_INPUT. */
export function kindsNamed(word: string): FluxKind[] {
  const name = word.toLowerCase();
  if (name === 'all') return [...fluxKinds];
  const grouped = fluxKinds.filter(({ group }) => group === name || group === `${name}s`);
  const single = fluxKinds.find((kind) => names(kind).includes(name));
  if (single !== undefined) return [single];
  if (grouped.length > 0) return grouped;
  throw new MillraceError('BAD_INPUT', `'${word}' is no kind that millrace knows`, {
    hint: `Known are all, sources, images, ${fluxKinds.map(({ plural }) => plural).join(', ')}.`,
    retry: 'never',
  });
}

function names({ kind, plural, aliases }: FluxKind): string[] {
  return [kind.toLowerCase(), plural, ...aliases];
}

/** Kind and name as `Kind/name`, in any spelling of the kind. Throws BAD_INPUT. */
export function parseObjectName(operand: string): { kind: FluxKind; name: string } {
  const [word = '', name = '', ...rest] = operand.split('/');
  const kind = fluxKinds.find((known) => names(known).includes(word.toLowerCase()));
  if (kind === undefined || name === '' || rest.length > 0) {
    throw new MillraceError('BAD_INPUT', `'${operand}' names no object`, {
      hint: 'Write Kind/name, such as Kustomization/apps or gitrepository/fleet.',
      retry: 'never',
    });
  }
  return { kind, name };
}

/** The version of a kind that the cluster serves; undefined where it serves none. */
export async function servedKind(
  client: KubeClient,
  { kind, apiVersions }: Pick<FluxKind, 'kind' | 'apiVersions'>,
  options: CallOptions,
): Promise<KindRef | undefined> {
  for (const apiVersion of apiVersions) {
    try {
      await client.resourceOf({ apiVersion, kind }, options);
      return { apiVersion, kind };
    } catch (error) {
      if (!isMillraceError(error, 'KUBE_KIND_NOT_SERVED')) throw error;
    }
  }
  return undefined;
}

/** `main@sha1:0123456789…` as people read it: `main@sha1:01234567`, like the flux CLI. */
export function shortRevision(revision: unknown): string {
  return text(revision).replace(/\b(sha1|sha256):([0-9a-f]{8})[0-9a-f]+/g, '$1:$2');
}

/** A field deep in an object; undefined where the path ends early. */
export function read(object: unknown, ...path: string[]): unknown {
  return path.reduce<unknown>((value, key) => (isRecord(value) ? value[key] : undefined), object);
}

function text(value: unknown): string {
  return value === undefined || value === null ? '' : String(value);
}

function sourceRef(value: unknown, defaultKind = 'GitRepository') {
  const name = read(value, 'name');
  if (typeof name !== 'string') return undefined;
  const kind = read(value, 'kind');
  const namespace = read(value, 'namespace');
  return {
    kind: typeof kind === 'string' ? kind : defaultKind,
    name,
    ...(typeof namespace === 'string' ? { namespace } : {}),
  };
}

function lastRelease(history: unknown): string {
  return Array.isArray(history) ? text(read(history[0], 'chartVersion')) : '';
}
