import type { Rule } from '../rule.ts';

export const webhookUnavailable: Rule = {
  code: 'webhook-unavailable',
  cause: 'An admission webhook could not be called: its service is down, not there yet, or its certificate is stale.',
  fix: 'Bring the service behind the webhook up (let dependants wait for it), or delete the left-over webhook configuration.',
  commands: [
    'kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations',
    'kubectl -n $SERVICE_NS get endpointslices -l kubernetes.io/service-name=$SERVICE',
  ],
  says: [
    [/failed calling webhook/i, 0.96],
    [/failed to call webhook/i, 0.95],
    [/conversion webhook for[\s\S]*failed/i, 0.93],
  ],
  shows: (facts) =>
    facts['webhook_service_exists'] === false || facts['webhook_ca_bundle_stale'] === true
      ? 'the service of a webhook is gone, or its certificate is stale'
      : undefined,
  examples: [
    { symptom: 'Internal error occurred: failed calling webhook "x": no endpoints available for service', found: true },
  ],
};
