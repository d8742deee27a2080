import type { Report } from './rule.ts';

/**
 * Lines that look like trouble, or stand near it, and are none: progress, conflicts that the next attempt resolves,
 * deprecations, and clean-up after pods that are gone (spec/failure-codes.md, "Not a failure").
 */
const healthyLines: readonly RegExp[] = [
  /\bReconciliation finished in\b/i,
  /\bHealth check passed\b/i,
  /\bgarbage collection completed\b/i,
  /\bstored (artifact|fetched index)\b/i,
  /\bartifact up-to-date with remote revision\b/i,
  /\bno changes since last reconcil/i,
  /\bsuccessful scan\b(?!.*\bfound 0 tags)/i,
  /\bpushed commit '/i,
  /\bApplied revision:/i,
  /\bLatest image tag for\b.*\bresolved to\b/i,
  /\bthe object has been modified; please apply your changes to the latest version\b/i,
  /\bfalling back to extracting images from manifests\b/i,
  /\bRemoving credentials from cache\b/i,
  /(?<!passwords )\b(is|are|was) deprecated\b|\bdeprecation warning\b|^Warning: .*deprecated/i,
  /\b(reconciliation|resource|object) is suspended\b|\bsuspended, skipping\b/i,
  /\b(attempting to acquire|successfully acquired) (leader )?lease\b/i,
  /\bNOERROR\b/,
  /\b(install|upgrade|rollback|test|uninstall|reconciliation|retry|attempt)( \d+)? succeeded\b/i,
  /\bno longer (occurs?|happens?|fails?|seen)\b/i,
];

/** True where the line by itself shows that nothing is wrong. */
export function isHealthy({ symptom, facts }: Report): boolean {
  return healthyLines.some((line) => line.test(symptom)) || facts['suspend'] === true;
}
