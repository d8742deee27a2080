import { AwsFault } from '../fault.ts';
import type { Tag } from '../iam-store.ts';

/** Adds tags to those that are there; a key that is present gets the new value. */
export function withTags(present: readonly Tag[], added: readonly Tag[]): Tag[] {
  const tags = new Map(present.map(({ Key, Value }) => [Key, Value]));
  for (const { Key, Value } of added) {
    if (Key === '' || Key.length > 128)
      throw new AwsFault('InvalidInput', 'Tag keys have between 1 and 128 characters.');
    tags.set(Key, Value);
  }
  if (tags.size > 50) throw new AwsFault('LimitExceeded', 'Cannot exceed quota for TagsPerEntity: 50', 409);
  return [...tags].map(([Key, Value]) => ({ Key, Value }));
}

export function withoutTags(present: readonly Tag[], keys: readonly string[]): Tag[] {
  return present.filter(({ Key }) => !keys.includes(Key));
}

/** Tags as an XML list. */
export function tagList(tags: readonly Tag[]): { Key: string; Value: string }[] {
  return tags.map(({ Key, Value }) => ({ Key, Value }));
}
