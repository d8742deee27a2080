import { FluxInstance } from '../../../api/flux-instance.ts';
import type { FluxReport } from '../../../api/flux-report.ts';
import { kindRef } from '../../../api/kind.ts';
import { Kustomization } from '../../../api/kustomization.ts';
import { statusOf } from '../../../apply/kstatus.ts';
import { isMillraceError } from '../../../base/error.ts';
import { isRecord, valueAt } from '../../../base/json.ts';
import type { KubeObject } from '../../../base/kube-object.ts';
import type { KubeClient } from '../../../kube/client.ts';
import { type Conditioned, getCondition } from '../../../runtime/conditions.ts';
import { syncName } from '../render/sync.ts';
import { isSuspended } from './report-metrics.ts';

type Spec = FluxReport['spec'];

export interface ReportFacts {
  client: KubeClient;
  namespace: string;
  version: string;
  /** Given all objects that are counted. */
  onObjects?: ((objects: readonly KubeObject[]) => void) | undefined;
  signal: AbortSignal;
}

/** `linux/amd64`, as Go names it. */
export const platform = `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`;

const partOfFlux = 'app.kubernetes.io/part-of=flux';
const definitionKind = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition' };

/** What a report says (spec/instance.md §9). Read only. */
export async function reportOf(facts: ReportFacts): Promise<Spec> {
  const { client, namespace, version, signal } = facts;
  const definitions = (await client.list(definitionKind, { labelSelector: partOfFlux, signal })).items;
  const [instance] = (await client.list<FluxInstance>(kindRef(FluxInstance), { namespace, signal })).items;
  const [cluster, components, reconcilers] = await Promise.all([
    clusterOf(facts),
    componentsOf(facts),
    reconcilersOf(definitions, facts),
  ]);
  const sync = instance?.spec.sync === undefined ? undefined : await syncOf(instance, facts);
  return {
    distribution: await distributionOf(facts),
    cluster,
    operator: { apiVersion: kindRef(FluxInstance).apiVersion, version, platform },
    components,
    reconcilers,
    ...(sync !== undefined && { sync }),
  };
}

async function distributionOf({ client, signal }: ReportFacts): Promise<Spec['distribution']> {
  const name = 'gitrepositories.source.toolkit.fluxcd.io';
  const crd = await client.get({ ...definitionKind, name }, { signal });
  const entitlement = 'Unknown';
  if (crd === undefined) return { entitlement, status: 'Not Installed' };
  const labels = crd.metadata.labels ?? {};
  const managedBy =
    labels['app.kubernetes.io/managed-by'] ??
    (labels['kustomize.toolkit.fluxcd.io/name'] === undefined ? undefined : 'flux bootstrap');
  const version = labels['app.kubernetes.io/version'];
  return {
    entitlement,
    status: 'Installed',
    ...(version !== undefined && { version }),
    ...(managedBy !== undefined && { managedBy }),
  };
}

async function clusterOf({ client, signal }: ReportFacts): Promise<NonNullable<Spec['cluster']>> {
  const version = await client.readPath('/version', { signal });
  const nodes = (await client.list({ apiVersion: 'v1', kind: 'Node' }, { signal })).items.length;
  const text = (key: string) => String(valueAt(version, key) ?? 'unknown');
  return { serverVersion: text('gitVersion'), platform: text('platform'), nodes };
}

async function componentsOf({ client, namespace, signal }: ReportFacts): Promise<NonNullable<Spec['components']>> {
  const kind = { apiVersion: 'apps/v1', kind: 'Deployment' };
  const { items } = await client.list(kind, { namespace, labelSelector: partOfFlux, signal });
  return items
    .map((deployment) => {
      const { status, message } = statusOf(deployment);
      const containers = valueAt(deployment, 'spec', 'template', 'spec', 'containers');
      const image = Array.isArray(containers) ? String(valueAt(containers[0], 'image') ?? '') : '';
      return {
        name: deployment.metadata.name,
        ready: status === 'Current',
        status: `${status} ${message}`.trim(),
        image,
      };
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function reconcilersOf(
  definitions: readonly KubeObject[],
  facts: ReportFacts,
): Promise<NonNullable<Spec['reconcilers']>> {
  const { client, signal } = facts;
  const kinds = definitions.flatMap(({ spec }) => {
    const versions = valueAt(spec, 'versions');
    const storage = Array.isArray(versions)
      ? versions.find((one) => isRecord(one) && one['storage'] === true)
      : undefined;
    const kind = valueAt(spec, 'names', 'kind');
    return storage === undefined || typeof kind !== 'string'
      ? []
      : [{ apiVersion: `${valueAt(spec, 'group')}/${storage.name}`, kind }];
  });
  const instance = kindRef(FluxInstance);
  const all = kinds.some(({ kind }) => kind === instance.kind) ? kinds : [...kinds, instance];
  const counted: KubeObject[] = [];
  const reports = await Promise.all(
    all.map(async (kind) => {
      try {
        const { items } = await client.list(kind, { signal });
        counted.push(...items.map((item) => ({ ...item, ...kind })));
        return [{ ...kind, stats: statsOf(items) }];
      } catch (error) {
        if (!isMillraceError(error, 'KUBE_KIND_NOT_SERVED', 'KUBE_FORBIDDEN')) throw error;
        return [];
      }
    }),
  );
  facts.onObjects?.(counted);
  const order = (one: { apiVersion: string; kind: string }) => `${one.apiVersion} ${one.kind}`;
  return reports.flat().sort((a, b) => (order(a) < order(b) ? -1 : 1));
}

function statsOf(objects: readonly KubeObject[]) {
  const suspended = objects.filter(isSuspended);
  const failing = objects.filter((object) => {
    const ready = getCondition(object as Conditioned, 'Ready');
    return ready?.status === 'False' && ready.reason !== 'DependencyNotReady' && !suspended.includes(object);
  });
  const bytes = objects.reduce((sum, object) => sum + Number(valueAt(object, 'status', 'artifact', 'size') ?? 0), 0);
  return {
    running: objects.length - suspended.length,
    failing: failing.length,
    suspended: suspended.length,
    ...(bytes > 0 && { totalSize: sizeText(bytes) }),
  };
}

/** `78.1 KiB`, `3.7 MiB`. */
function sizeText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const step = Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  return step === 0 ? `${bytes} B` : `${(bytes / 1024 ** step).toFixed(1)} ${units[step]}`;
}

async function syncOf(
  instance: FluxInstance,
  { client, namespace, signal }: ReportFacts,
): Promise<NonNullable<Spec['sync']>> {
  const name = syncName({ namespace, spec: instance.spec });
  const id = `kustomization/${name}`;
  const { url = '', ref = '', kind } = instance.spec.sync ?? {};
  const source = kind === 'Bucket' ? `${url}/${ref}` : url;
  const kustomization = await client.get<Kustomization>({ ...kindRef(Kustomization), name, namespace }, { signal });
  const ready = kustomization && getCondition(kustomization, 'Ready');
  const lines = [ready?.message ?? 'not initialized'];
  const fetched =
    kind &&
    (await client.get<Conditioned>({ apiVersion: 'source.toolkit.fluxcd.io/v1', kind, name, namespace }, { signal }));
  const fetching = fetched && getCondition(fetched, 'Ready');
  if (fetching?.status === 'False') lines.push(fetching.message);
  const prefix = kustomization?.spec.suspend === true ? 'Suspended ' : '';
  const path = kustomization?.spec.path;
  return {
    id,
    ...(path !== undefined && { path }),
    // Not before it is known: a Kustomization that nobody has looked at is not ready.
    ready: ready?.status === 'True',
    status: `${prefix}${lines.join('\n')}`,
    source,
  };
}
