import { sleep } from '../../base/deadline.ts';
import { isMillraceError } from '../../base/error.ts';
import type { KubeObject, ObjectKey } from '../../base/kube-object.ts';
import type { KubeClient } from '../../kube/client.ts';
import { planCluster } from '../../provision/apply-cluster.ts';
import { awsModelOf } from '../../provision/aws-model.ts';
import { clusterModelOf } from '../../provision/cluster-model.ts';
import type { Installation } from '../../provision/installation.ts';
import type { ForeignKind } from './definitions.ts';
import { openDefinition } from './definitions.ts';
import { webhookConfiguration } from './stand-ins.ts';
import type { Sync } from './sync.ts';

const fieldManager = 'millrace-rehearsal';

export interface ClusterParts {
  installation: Installation;
  roleArn: string;
  sync: Sync;
  foreign: readonly ForeignKind[];
  definitions: ReadonlyMap<string, KubeObject>;
  /** Objects that the cluster has from elsewhere. */
  given: readonly KubeObject[];
  webhookUrl: string;
}

/**
 * Makes the cluster as it is before anything is synchronised: the controllers' accounts and rights as provisioning makes them,
 * definitions, what is given, and admission by the stand-ins.
 */
export async function prepareCluster(parts: ClusterParts, kube: KubeClient, signal: AbortSignal): Promise<void> {
  const { installation, roleArn, foreign, definitions, given, webhookUrl } = parts;
  const model = awsModelOf(installation);
  const readers = model.readers.map((reader) => ({ ...reader, role: { ...reader.role, arn: roleArn } }));
  const objects = clusterModelOf(installation, { ...model, readers })
    // The sync objects are the tree's own.
    .filter(({ kind }) => kind !== 'GitRepository' && kind !== 'Kustomization')
    .map((object) => definitions.get(object.metadata.name) ?? object);
  for (const step of await planCluster(objects, kube, signal)) await step.run();
  for (const kind of foreign) await apply(openDefinition(kind), kube, signal);
  for (const object of given) await apply(object, kube, signal);
  await apply(webhookConfiguration(webhookUrl), kube, signal);
}

/** Applies the objects that everything else is synchronised by. */
export async function startSync({ source, kustomization }: Sync, kube: KubeClient, signal: AbortSignal): Promise<void> {
  await apply(namespaceOf(source), kube, signal);
  await apply(namespaceOf(kustomization), kube, signal);
  await apply(source, kube, signal);
  await apply(kustomization, kube, signal);
}

function namespaceOf({ metadata }: KubeObject): KubeObject {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name: metadata.namespace ?? 'default' } };
}

/** A kind whose definition was just applied takes a moment until it is served. */
async function apply(object: KubeObject, kube: KubeClient, signal: AbortSignal): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await kube.apply(object, { fieldManager, force: true, signal });
      return;
    } catch (error) {
      if (attempt >= 30 || !isMillraceError(error, 'KUBE_KIND_NOT_SERVED')) throw error;
      await sleep(100, signal);
    }
  }
}

/** Makes Secrets where they are first asked for. */
export function secretMaker(
  data: ReadonlyMap<string, Record<string, string>>,
  kube: KubeClient,
  signal: AbortSignal,
): (key: ObjectKey) => Promise<void> {
  const made = new Map<string, Promise<void>>();
  return ({ namespace, name }) => {
    const key = `${namespace}/${name}`;
    const stringData = data.get(name) ?? {};
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, type: 'Opaque', stringData };
    const making = made.get(key) ?? apply(secret, kube, signal);
    made.set(key, making);
    return making;
  };
}
