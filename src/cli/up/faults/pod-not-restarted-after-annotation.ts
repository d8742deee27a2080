import { sleep } from '../../../base/deadline.ts';
import { textAt } from '../../../base/json.ts';
import type { KubeClient } from '../../../kube/client.ts';
import type { PracticeFault } from './fault.ts';
import { objects, patch } from './places.ts';

const annotate = (role: string | null) => ({ metadata: { annotations: { 'eks.amazonaws.com/role-arn': role } } });
/** Objects are dated in whole seconds. */
const apartMs = 1_500;

export const podNotRestartedAfterAnnotation: PracticeFault = {
  code: 'pod-not-restarted-after-annotation',
  broken:
    'The ServiceAccount image-reflector-controller got its role annotation when its pod was running already, and nobody has restarted the pod.',
  topology: 'split',
  inject: (site) => patch(site, objects.scanner, annotate(null)),
  async afterStart(site) {
    while (!(await isScannerRunning(site.kube, site.signal))) await sleep(200, site.signal);
    await sleep(apartMs, site.signal);
    await patch(site, objects.scanner, annotate(site.model.role.arn));
  },
};

async function isScannerRunning(kube: KubeClient, signal: AbortSignal): Promise<boolean> {
  const { namespace, name } = objects.scanner;
  const { items } = await kube.list(
    { apiVersion: 'v1', kind: 'Pod' },
    { namespace, labelSelector: `app=${name}`, signal },
  );
  return items.some((pod) => textAt(pod, 'status', 'phase') === 'Running');
}
