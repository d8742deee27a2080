import type { Rule } from '../rule.ts';

export const healthCheckTimeout: Rule = {
  code: 'health-check-timeout',
  cause: 'Objects that were applied did not become healthy in time.',
  fix: 'Look at the objects that the message names: their pods, events and images. Raise spec.timeout only if they are merely slow.',
  commands: ['kubectl -n $FAILED_NS describe $FAILED', 'kubectl -n $FAILED_NS get events --sort-by=.lastTimestamp'],
  says: [
    [/rollout to finish[\s\S]*timed out waiting|has timed out progressing/i, 0.93],
    [/health check failed/i, 0.95],
    [
      /\d+ health check failure\(s\)|while waiting for \S+ to be ready: 'context deadline exceeded|deployments not ready: \[/i,
      0.8,
    ],
    [/Health check timed out/i, 0.95],
    [/timeout waiting for: \[/i, 0.94],
    [/failed early due to stalled resources/i, 0.95],
    [/running health checks[\s\S]*with a timeout of/i, 0.7],
    [/\bHealthCheckFailed\b/, 0.9],
    [/exceeded its progress deadline|ProgressDeadlineExceeded/i, 0.85],
  ],
  examples: [
    {
      symptom: "health check failed after 3m0s: timeout waiting for: [Deployment/a/b status: 'InProgress']",
      found: true,
    },
  ],
};
