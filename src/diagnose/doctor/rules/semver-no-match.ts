import { because, type Report, type Rule } from '../rule.ts';

export const semverNoMatch: Rule = {
  code: 'semver-no-match',
  cause: 'No tag satisfies the semver range. Pre-releases count only where the range itself has one, like >=1.0.0-0.',
  fix: 'Widen the range, or push a tag that is a version (three numbers) within it.',
  commands: ['kubectl -n $NS get imagepolicy $NAME -o yaml | millrace policy test -f -'],
  says: [
    [/unable to determine latest version from provided list/i, 0.9],
    [/no match found for semver/i, 0.9],
    [/no (semver )?(tags?|versions?) (match|matching|matched|satisf\w+)[^.]*\b(semver|range|constraint)/i, 0.88],
  ],
  weigh,
  examples: [
    { symptom: 'unable to determine latest version from provided list', found: true },
    { symptom: 'failed to get chart version for remote reference: no match found for semver: >=3', found: false },
  ],
};

function weigh(confidence: number, { symptom }: Report) {
  return because(/chart (pull|version)|chart version/i.test(symptom) ? 0.4 : confidence);
}
