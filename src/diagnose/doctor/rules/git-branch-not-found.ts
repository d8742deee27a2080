import { text, texts } from '../facts.ts';
import { because, type Report, type Rule } from '../rule.ts';

export const gitBranchNotFound: Rule = {
  code: 'git-branch-not-found',
  cause: 'The branch or reference does not exist in the repository; without spec.ref it is master.',
  fix: 'Set spec.ref to a branch that exists (many repositories use main), or push the first commit.',
  commands: ['git ls-remote --heads $URL'],
  says: [
    [/reference ['"]?refs\/\S+ not found|src refspec \S+ does not match any/i, 0.93],
    [/couldn't find remote ref|could not find remote (ref|branch)|Remote branch \S+ not found/i, 0.95],
    [/unable to resolve ref/i, 0.93],
    [/git repository is empty|remote repository is empty|repository: '?\S+'? is empty/i, 0.93],
    [/remote (branch|ref|tag) '?\S+'? (does not exist|not found)|unable to find (commit|branch|tag) /i, 0.9],
    [/no match found for semver/i, 0],
    [/reference not found/i, 0.85],
    [/did not match any file\(s\) known to git/i, 0.8],
  ],
  weigh,
  shows: (facts) => {
    const branches = texts(facts['remote_branches']);
    const branch = text(facts, 'git_branch') ?? 'master';
    if (!('git_branch' in facts) || branches.length === 0 || branches.includes(branch)) return undefined;
    return `the branch '${branch}' is not among ${branches.join(', ')}`;
  },
  examples: [{ symptom: 'couldn\'t find remote ref "refs/heads/master"', found: true }],
};

/** A GitRepository takes its tags by a range as well. */
function weigh(confidence: number, { symptom, facts }: Report) {
  const isGit = text(facts, 'object_kind') === 'GitRepository' || /git tags|GitRepository/i.test(symptom);
  return because(/no match found for semver/i.test(symptom) && isGit ? 0.93 : confidence);
}
