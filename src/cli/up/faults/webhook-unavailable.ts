import type { PracticeFault } from './fault.ts';
import { create } from './places.ts';

export const webhookUnavailable: PracticeFault = {
  code: 'webhook-unavailable',
  broken: 'A validating webhook is registered for Deployments, and the Service behind it does not exist.',
  inject: (site) =>
    create(site, {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingWebhookConfiguration',
      metadata: { name: 'image-policy' },
      webhooks: [
        {
          name: 'images.policy.example.com',
          admissionReviewVersions: ['v1'],
          sideEffects: 'None',
          failurePolicy: 'Fail',
          timeoutSeconds: 1,
          clientConfig: { url: 'https://image-policy.policy.svc.invalid/validate' },
          rules: [
            { apiGroups: ['apps'], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['deployments'] },
          ],
        },
      ],
    }),
};
