import { number } from '../facts.ts';
import { because, type Report, type Rule } from '../rule.ts';

/** Evidence of a scan that worked: nothing earlier in the chain is to blame. */
export const emptyScan = 'the scan found no tags';

export const noTags: Rule = {
  code: 'no-tags',
  cause: 'No tags of the image are known yet: it has not been scanned, or the scan found none.',
  fix: 'Look at the ImageRepository: its last scan, its exclusion list, and whether anything has been pushed.',
  commands: [
    'kubectl -n $NS describe imagerepository $IMAGE_REPOSITORY',
    'millrace reconcile ImageRepository/$IMAGE_REPOSITORY -n $NS',
  ],
  says: [
    [/ImageRepository\b[^.]*\bhas not been scanned( yet)?/i, 0.85],
    [/no tags (found )?in (database|(local )?storage|'[^']+')|ImageRepository[^.]* has no tags/i, 0.95],
    [/\bfound 0 tags\b/i, 0.9],
    [/version list argument cannot be empty|unable to determine latest version/i, 0],
  ],
  weigh,
  shows: (facts) => (facts['tags_found'] === 0 ? emptyScan : undefined),
  examples: [{ symptom: 'retrying in 30s error: no tags in database', found: true }],
};

function weigh(confidence: number, { facts }: Report) {
  // A restarted controller forgets its tags until the next scan.
  if (facts['previously_resolved'] === true && !('tags' in facts))
    return because(Math.max(confidence, 0.93), 'it had chosen a tag before');
  if (number(facts, 'tags_found') === 0) return because(Math.max(confidence, 0.93), emptyScan);
  return because(confidence);
}
