import { isMillraceError } from '../../src/base/error.ts';
import { selectTag, type TagFilter, type TagPolicy } from '../../src/images/index.ts';
import type { CaseResult, Suite } from './suite.ts';

interface PolicyCase {
  id: string;
  source: string;
  policy: TagPolicy;
  filterTags?: TagFilter;
  tags: string[];
  expected: { tag?: string; anyOf?: string[]; error?: boolean; reason?: string };
}

export const imagePolicySuite: Suite = {
  file: 'image-policy.json',
  bar: 1,
  async run(data) {
    return (data as PolicyCase[]).map(runCase);
  },
};

function runCase({ id, source, policy, filterTags, tags, expected }: PolicyCase): CaseResult {
  const got = outcome(() => selectTag({ policy, ...(filterTags && { filterTags }) }, tags));
  const wanted = expected.error ? [`error ${expected.reason}`] : (expected.anyOf ?? [expected.tag]);
  return { id, area: source, passed: wanted.includes(got), detail: `wanted ${wanted.join(' or ')}, got ${got}` };
}

function outcome(select: () => string): string {
  try {
    return select();
  } catch (error) {
    if (isMillraceError(error, 'IMAGE_POLICY_INVALID')) return 'error InvalidPolicy';
    if (isMillraceError(error, 'IMAGE_NO_TAG')) return 'error Failure';
    throw error;
  }
}
