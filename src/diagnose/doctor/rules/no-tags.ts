import { number } from '../facts.ts';
import { because, type Report, type Rule } from '../rule.ts';

export const noTags: Rule = {
  code: 'no-tags',
  cause: 'No tags of the image are known yet: it has not been scanned, or the scan found none.',
  fix: 'Look at the ImageRepository: its last scan, its exclusion list, and whether anything has been pushed.',
  commands: ['kubectl -n $NS describe imagerepository $NAME', 'millrace reconcile ImageRepository/$NAME'],
  says: [
    [/no tags in database/i, 0.95],
    [/\bfound 0 tags\b/i, 0.9],
    [/version list argument cannot be empty|unable to determine latest version/i, 0],
  ],
  weigh,
  examples: [{ symptom: 'retrying in 30s error: no tags in database', found: true }],
};

function weigh(confidence: number, { facts }: Report) {
  if (confidence > 0) return because(confidence);
  return number(facts, 'tags_found') === 0 ? because(0.93, 'the scan found no tags') : because(0);
}
