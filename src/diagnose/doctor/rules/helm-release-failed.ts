import { because, type Report, type Rule } from '../rule.ts';

export const helmReleaseFailed: Rule = {
  code: 'helm-release-failed',
  cause: 'A Helm install or upgrade failed or ran out of time, and no retries are left.',
  fix: 'Look at the objects of the release; then reset the HelmRelease so that it is tried again.',
  commands: ['kubectl -n $NS describe helmrelease $NAME', 'flux -n $NS reconcile helmrelease $NAME --reset --force'],
  says: [
    [/chart requires kubeVersion/i, 0.9],
    [/status 'failed' of release does not allow/i, 0.92],
    [/exceeded maximum retries|Failed to (install|upgrade) after \d+ attempt/i, 0.94],
    [/\b(INSTALLATION|UPGRADE|ROLLBACK|UNINSTALLATION) FAILED\b/, 0.85],
    [/cannot re-use a name that is still in use/i, 0.92],
    [/retries exhausted/i, 0.94],
    [/MissingRollbackTarget/i, 0.94],
    [/timed out waiting for the condition/i, 0.88],
    [/Helm (install|upgrade|rollback|test|uninstall) failed/i, 0.85],
    [/\b(Install|Upgrade|Rollback)Failed\b|\b(install|upgrade|rollback) failed: cannot patch/, 0.8],
    [/release[^.]*in failed state|has no deployed releases/i, 0.88],
  ],
  weigh,
  examples: [
    { symptom: 'upgrade retries exhausted', found: true },
    { symptom: 'Helm upgrade failed: another operation (install/upgrade/rollback) is in progress', found: false },
  ],
};

/** A failed release that says more than that has another root cause. */
const deeper =
  /another operation|no matches for kind|is forbidden|failed calling webhook|denied the request|immutable|not found|exceeded quota|already exists|\b40[13]\b|unauthorized|dial tcp|x509/i;

function weigh(confidence: number, { symptom }: Report) {
  return because(deeper.test(symptom) && confidence < 0.9 ? 0.6 : confidence);
}
