import { FluxReport } from '../../../api/flux-report.ts';
import { kindRef } from '../../../api/kind.ts';
import { systemClock } from '../../../base/clock.ts';
import { setCondition } from '../../../runtime/conditions.ts';
import { type Controller, done } from '../../../runtime/controller.ts';
import { withJitter } from '../../../runtime/interval.ts';
import { isReconcileTrigger, requestedAt } from '../../../runtime/request.ts';
import { createStatusPatcher } from '../../../runtime/status-patch.ts';
import { durationOf, isDisabled } from '../annotations.ts';
import { type FluxInstanceDeps, operatorName } from '../deps.ts';
import { platform, reportOf } from './report.ts';
import { createReportMetrics } from './report-metrics.ts';

const defaultIntervalMs = 5 * 60_000;

/** Keeps the FluxReport up to date: on request, after each run of the instance, and by the clock. */
export function createFluxReportController(deps: FluxInstanceDeps): Controller {
  const kind = kindRef(FluxReport);
  const { client, version, clock = systemClock, reportIntervalMs = defaultIntervalMs, registry } = deps;
  const metrics = registry && createReportMetrics(registry, { version, platform });
  return {
    name: operatorName,
    kind,
    concurrency: 1,
    triggers: isReconcileTrigger,
    async reconcile(key, { signal }) {
      const report = await client.get<FluxReport>({ ...kind, ...key }, { signal });
      if (report === undefined || report.metadata.deletionTimestamp !== undefined || isDisabled(report)) return done;
      const startedMs = clock.now();
      const spec = await reportOf({ client, namespace: key.namespace, version, onObjects: metrics?.report, signal });
      const { name, namespace = '' } = report.metadata;
      const applied = await client.apply({ ...kind, metadata: { name, namespace }, spec } as FluxReport, {
        fieldManager: operatorName,
        force: true,
        signal,
      });
      const patcher = createStatusPatcher(client, applied, operatorName);
      const message = `Reporting finished in ${clock.now() - startedMs}ms`;
      setCondition(applied, { type: 'Ready', status: 'True', reason: 'Succeeded', message }, clock);
      const token = requestedAt(report);
      if (token !== undefined) applied.status = { ...applied.status, lastHandledReconcileAt: token };
      await patcher.patch(applied, { signal });
      return { requeueAfterMs: withJitter(durationOf(report, 'reconcileEvery', reportIntervalMs)) };
    },
  };
}
