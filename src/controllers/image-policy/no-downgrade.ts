import type { ImagePolicy } from '../../api/image-policy.ts';
import type { ImageRepository } from '../../api/image-repository.ts';
import { comparePriority } from '../../images/compare-tags.ts';
import { extractor } from '../../images/filter-tags.ts';
import { Fault } from '../image/fault.ts';

/** On an ImagePolicy, `"true"`: never choose a lower tag than the one chosen before. Default off, as in Flux. */
export const noDowngradeAnnotation = 'image.millrace.dev/no-downgrade';

/**
 * Refuses a choice that ranks below the present one by the policy's own order, where the policy says so. The present
 * choice stays until a higher tag comes, or a person removes the annotation. Throws Fault with reason DowngradeRefused.
 */
export function guardAgainstDowngrade(policy: ImagePolicy, repository: ImageRepository, tag: string): void {
  if (policy.metadata.annotations?.[noDowngradeAnnotation] !== 'true') return;
  const latest = policy.status?.latestRef;
  if (latest === undefined || latest.name !== repository.spec.image || latest.tag === tag) return;
  const extract = extractor(policy.spec.filterTags);
  const present = extract(latest.tag) ?? latest.tag;
  const next = extract(tag) ?? tag;
  // What cannot be compared (the policy was rewritten for another tag scheme) is no downgrade.
  if ((comparePriority(policy.spec.policy, next, present) ?? 0) >= 0) return;
  const message = `the policy now chooses ${tag}, which is lower than ${latest.tag}; annotation ${noDowngradeAnnotation} keeps ${latest.tag}`;
  throw new Fault('DowngradeRefused', message);
}
