import { compareBytes } from '../base/text.ts';
import type { TagFilter } from './policy.ts';
import { compileTagPattern, type TagPattern } from './tag-pattern.ts';

/** A tag that passed the filter, and what of it is compared. */
export interface Candidate {
  key: string;
  tag: string;
}

/**
 * Shows each candidate among `tags` to `visit` (spec/image.md §5.2) and returns how many there are. Several may have the
 * same key: the tag that is smallest byte by byte then stands for all (`standsBefore`). Throws IMAGE_POLICY_INVALID for a
 * bad pattern.
 */
export function visitCandidates(
  filter: TagFilter | undefined,
  tags: readonly string[],
  visit: (candidate: Candidate) => void,
): number {
  const extract = extractor(filter);
  let count = 0;
  for (const tag of tags) {
    const key = extract(tag);
    if (key === undefined) continue;
    count++;
    visit({ key, tag });
  }
  return count;
}

/** Whether `a` goes before `b` where both rank the same: the greater key, and of one key the smaller tag. */
export function standsBefore(a: Candidate, b: Candidate): boolean {
  const order = compareBytes(a.key, b.key);
  return order === 0 ? compareBytes(a.tag, b.tag) < 0 : order > 0;
}

/** A function from a tag to its key, or to undefined where the pattern does not match. */
export function extractor(filter: TagFilter | undefined): (tag: string) => string | undefined {
  if (filter === undefined) return (tag) => tag;
  const pattern = compileFilterPattern(filter.pattern ?? '');
  const template = filter.extract ?? '';
  if (template === '') return (tag) => (pattern.matches(tag) ? tag : undefined);
  return pattern.expander(template);
}

function compileFilterPattern(source: string): TagPattern {
  return compileTagPattern(
    source,
    (complaint) => `failed to filter tags: invalid regular expression pattern '${source}': ${complaint}`,
  );
}
