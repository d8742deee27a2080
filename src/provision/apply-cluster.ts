import { sleep } from '../base/deadline.ts';
import { isMillraceError } from '../base/error.ts';
import { deepEqual } from '../base/json.ts';
import { formatRef, type KubeObject } from '../base/kube-object.ts';
import type { KubeClient } from '../kube/client.ts';
import { liveObject } from './live-object.ts';
import { hasMadeByLabel, madeByLabel } from './made-by.ts';
import type { Step } from './plan.ts';

/** The field manager of what provisioning applies. */
const fieldManager = 'millrace-provision';

/** Objects that are missing in the cluster, or that applying would change. */
export async function planCluster(
  objects: readonly KubeObject[],
  client: KubeClient,
  signal: AbortSignal,
): Promise<Step[]> {
  const steps: Step[] = [];
  for (const object of objects) {
    const live = await liveObject(object, client, signal);
    const ours = live === undefined || hasMadeByLabel(live.metadata.labels);
    const wanted = ours ? withLabels(object, madeByLabel) : object;
    if (live !== undefined && !(await differs(wanted, live, client, signal))) continue;
    const action = live === undefined ? 'create' : 'update';
    steps.push({ action, what: formatRef(object), run: () => applyOne(wanted, client, signal) });
  }
  return steps;
}

function withLabels(object: KubeObject, labels: Readonly<Record<string, string>>): KubeObject {
  return { ...object, metadata: { ...object.metadata, labels: { ...object.metadata.labels, ...labels } } };
}

async function differs(
  object: KubeObject,
  live: KubeObject,
  client: KubeClient,
  signal: AbortSignal,
): Promise<boolean> {
  const tried = await client.apply(object, { fieldManager, force: true, dryRun: true, signal });
  const seen = ({ metadata, status: _s, ...rest }: KubeObject) => ({
    rest,
    labels: metadata.labels,
    annotations: metadata.annotations,
  });
  return !deepEqual(seen(live), seen(tried));
}

const attempts = 50;

async function applyOne(object: KubeObject, client: KubeClient, signal: AbortSignal): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await client.apply(object, { fieldManager, force: true, signal });
      return;
    } catch (error) {
      // A definition that was just applied takes a moment until its kind is served.
      if (attempt >= attempts || !isMillraceError(error, 'KUBE_KIND_NOT_SERVED')) throw error;
      await sleep(100, signal);
    }
  }
}
