import { compareBytes } from '../base/text.ts';
import type { TagFilter } from './policy.ts';
import { compileTagPattern, expandTemplate, type TagPattern } from './tag-pattern.ts';

/** A tag that passed the filter, and what of it is compared. */
export interface Candidate {
  key: string;
  tag: string;
}

/**
 * The candidates among `tags` (spec/image.md §5.2), one per key: of tags with the same key the smallest byte by byte
 * stands for all. Throws IMAGE_POLICY_INVALID for a bad pattern.
 */
export function filterTags(filter: TagFilter | undefined, tags: readonly string[]): Candidate[] {
  const extract = extractor(filter);
  const tagOfKey = new Map<string, string>();
  for (const tag of tags) {
    const key = extract(tag);
    if (key === undefined) continue;
    const other = tagOfKey.get(key);
    if (other === undefined || compareBytes(tag, other) < 0) tagOfKey.set(key, tag);
  }
  return Array.from(tagOfKey, ([key, tag]) => ({ key, tag }));
}

/** A function from a tag to its key, or to undefined where the pattern does not match. */
export function extractor(filter: TagFilter | undefined): (tag: string) => string | undefined {
  if (filter === undefined) return (tag) => tag;
  const pattern = compileFilterPattern(filter.pattern ?? '');
  const template = filter.extract ?? '';
  if (template === '') return (tag) => (pattern.matches(tag) ? tag : undefined);
  return (tag) => {
    const groups = pattern.match(tag);
    return groups === undefined ? undefined : expandTemplate(template, groups, pattern);
  };
}

function compileFilterPattern(source: string): TagPattern {
  return compileTagPattern(
    source,
    (complaint) => `failed to filter tags: invalid regular expression pattern '${source}': ${complaint}`,
  );
}
