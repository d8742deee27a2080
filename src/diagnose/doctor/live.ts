import { formatRef } from '../../base/kube-object.ts';
import { awsFacts } from '../collect/aws-facts.ts';
import { identityFacts } from '../collect/identity-facts.ts';
import { objectFacts } from '../collect/object-facts.ts';
import type { ClusterReader } from '../collect/reader.ts';
import type { Collected, ObjectReport } from '../collect/reports.ts';
import { conditionOf } from '../condition.ts';
import type { CheckedItem } from '../verify/check.ts';
import { scannerName } from '../verify/scene.ts';
import type { Verification } from '../verify/verify.ts';
import type { FailureCode } from './codes.ts';
import type { ClusterFinding } from './examine.ts';

/** A check of verify that failed, as doctor looks at it. */
export interface LiveReport extends ObjectReport {
  /** The cause, where the check itself decides it; otherwise the words do. */
  cause?: FailureCode;
  /** What was seen, with the check. */
  evidence: string;
}

const lastOfIdentity = 15;
/** Checks of ECR itself: a controller that has just scanned has proved them better, and from where it matters. */
const ofEcr: ReadonlySet<number> = new Set([17, 18, 19]);

/** The failures among the checks, with the facts around them; those that say only what the objects say themselves are left out. */
export async function liveReports(
  reader: ClusterReader,
  { namespace, checks }: Verification,
  { scanners, isInScope }: Pick<Collected, 'scanners' | 'isInScope'>,
): Promise<LiveReport[]> {
  const hasScanned = scanners.every((scanner) => conditionOf(scanner, 'Ready')?.status === 'True');
  const failed = checks.filter(({ number, verdict, cause, symptom, object }) => {
    if (verdict !== 'fail' || (cause ?? symptom) === undefined) return false;
    // What no object of the chain is named for concerns those who scan.
    const isAsked = object === undefined || object.startsWith('Pod/') ? scanners.length > 0 : isInScope(object);
    return isAsked && !(ofEcr.has(number) && hasScanned);
  });
  if (failed.length === 0) return [];
  // One broken link of the identity breaks those after it.
  const [firstOfIdentity] = failed.flatMap(({ number }) => (number <= lastOfIdentity ? number : []));
  const identity = await identityFacts(reader, { namespace, name: scannerName });
  const ofAws = { ...identity, ...(await awsFacts(reader, identity)) };
  const reports: LiveReport[] = [];
  for (const { number, name, evidence, cause, symptom, object } of failed) {
    if (number <= lastOfIdentity && number !== firstOfIdentity) continue;
    const about = scanners.find((one) => formatRef(one) === object);
    const facts = { ...ofAws, ...(about && (await objectFacts(reader, about))) };
    reports.push({
      object: object ?? `check ${number} of verify`,
      symptom: symptom ?? evidence,
      component: scannerName,
      facts,
      evidence: `verify ${number}, ${name}: ${evidence}`,
      ...(cause !== undefined && { cause }),
    });
  }
  return reports;
}

/** Causes that say how a host is reached: from where doctor runs that may be another way than from the cluster. */
export const ofThisMachine: ReadonlySet<FailureCode> = new Set([
  'sts-endpoint-unreachable',
  'ecr-endpoint-unreachable',
  'egress-blocked',
  'tls-ca-untrusted',
  'aws-region-invalid',
]);

/** The check whose success speaks against a cause that an image kind complains of. */
const contradictedBy: Partial<Record<FailureCode, number>> = {
  'irsa-annotation-missing': 14,
  'irsa-role-arn-invalid': 14,
  'oidc-provider-missing': 14,
  'trust-policy-sub-mismatch': 14,
  'trust-policy-aud-mismatch': 14,
  'trust-policy-provider-mismatch': 14,
  'ecr-get-authorization-token-denied': 17,
  'ecr-action-missing': 18,
  'ecr-repository-arn-mismatch': 18,
  'ecr-cross-account-policy-missing': 18,
  'ecr-registry-mismatch': 18,
  'git-credentials-invalid': 25,
  'git-access-denied': 25,
  'git-auth-app-password-removed': 25,
  'git-ssh-key-rejected': 25,
  'git-known-hosts-missing': 25,
  'git-host-key-mismatch': 25,
  'git-deploy-key-read-only': 25,
};

/** Lowers the confidence in what an object complained of before, and what holds when it is tried now. */
export function weighByChecks(findings: readonly ClusterFinding[], checks: readonly CheckedItem[]): void {
  for (const finding of findings) {
    const number = contradictedBy[finding.code];
    if (number === undefined || !finding.objects.every((object) => /^Image/.test(object))) continue;
    const tried = checks.filter((check) => check.number === number && check.verdict !== 'skipped');
    const own = tried.filter(({ object }) => object === undefined || finding.objects.includes(object));
    const [first] = own;
    if (first === undefined || !own.every(({ verdict }) => verdict === 'pass')) continue;
    finding.confidence = Math.round(finding.confidence * 60) / 100;
    finding.evidence.push(
      `but verify ${number}, ${first.name}, holds by now: ${first.evidence}; if it has been mended since, wake the object: millrace reconcile`,
    );
  }
}
