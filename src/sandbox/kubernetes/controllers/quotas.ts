import { deepEqual, isRecord, valueAt } from '../../../base/json.ts';
import { isScoped, quotaUsage } from '../admission/resource-quota.ts';
import type { Actor } from './actor.ts';
import type { Stand } from './control-loop.ts';

const quotas = '/resourcequotas';

/** Fills in what a quota allows and what its namespace uses, which is what makes the quota count. */
export function quotaStand(actor: Actor): Stand {
  const { store } = actor.cluster;
  return {
    storage: quotas,
    reconcile(quota) {
      const hard = quota && valueAt(quota, 'spec', 'hard');
      if (quota === undefined || !isRecord(hard) || isScoped(quota)) return;
      const status = { hard, used: quotaUsage(store, quota.metadata.namespace ?? '', Object.keys(hard)) };
      if (!deepEqual(quota['status'], status)) actor.setStatus(quotas, quota, status);
    },
    wakes: (resource, { object, type }) =>
      resource === quotas || (type === 'MODIFIED' && resource !== '/pods') || object.metadata.namespace === undefined
        ? []
        : store.list(quotas, object.metadata.namespace),
  };
}
