import { FluxReport } from '../../../api/flux-report.ts';
import { kindRef } from '../../../api/kind.ts';
import type { Clock } from '../../../base/clock.ts';
import type { KubeClient } from '../../../kube/client.ts';
import { requestedAtAnnotation } from '../../../runtime/request.ts';
import { instanceName, operatorName } from '../deps.ts';

/** Asks for a new report, and makes the object where there is none yet. */
export async function requestReport(
  client: KubeClient,
  namespace: string,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const ref = { ...kindRef(FluxReport), name: instanceName, namespace };
  const options = { fieldManager: operatorName, signal };
  const metadata = { annotations: { [requestedAtAnnotation]: new Date(clock.now()).toISOString() } };
  if ((await client.get(ref, { signal })) !== undefined) {
    await client.patch(ref, 'merge', { metadata }, options);
    return;
  }
  const distribution = { entitlement: 'Unknown', status: 'Unknown' };
  const report = {
    ...kindRef(FluxReport),
    metadata: { name: instanceName, namespace, ...metadata },
    spec: { distribution },
  };
  await client.create(report, options);
}
