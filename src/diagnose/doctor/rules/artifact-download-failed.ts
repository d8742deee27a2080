import { number } from '../facts.ts';
import type { Rule } from '../rule.ts';
import { cannotReach } from '../signs.ts';

export const artifactDownloadFailed: Rule = {
  code: 'artifact-download-failed',
  cause: 'The artifact exists, but source-controller does not serve it to the controller that needs it.',
  fix: 'Check that source-controller runs with one replica and is ready, and that NetworkPolicies let the controllers reach it.',
  commands: ['kubectl get pods -A -l app=source-controller', 'kubectl get networkpolicies -A'],
  says: [
    [/artifact not found at http/i, 0.92],
    [/failed to download (artifact|archive)|failed to (untar|extract|fetch) (the )?artifact/i, 0.93],
    [/tar file entry[^.]*larger than|requires gzip-compressed body/i, 0.88],
    [cannotReach(String.raw`source-controller\.`), 0.9],
    [/source-controller\.\S*\.tar\.gz[\s\S]*\b404\b/i, 0.9],
    [/artifact (digest|checksum)[^.]*mismatch|failed to verify artifact/i, 0.8],
  ],
  shows: (facts) => {
    if (facts['source_controller_ready'] === false) return 'source-controller is not ready';
    const replicas = number(facts, 'source_controller_replicas') ?? 1;
    return replicas > 1 ? `source-controller runs with ${replicas} replicas, and only one has the artifact` : undefined;
  },
  examples: [
    {
      symptom: 'failed to download artifact, error: GET http://source-controller.flux-system.svc/x giving up',
      found: true,
    },
  ],
};
