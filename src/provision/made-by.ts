/**
 * How what provisioning made is told from what it found: a tag in IAM, a label in the cluster, set when a thing is created and never
 * on what was there before. `destroy` goes by it.
 */
export const madeByTag = { Key: 'millrace:made-by', Value: 'provision' } as const;
export const madeByLabel = { 'millrace.dev/made-by': 'provision' } as const;

interface Tag {
  Key?: string | undefined;
  Value?: string | undefined;
}

export function hasMadeByTag(tags: readonly Tag[] | undefined): boolean {
  return tags?.some(({ Key, Value }) => Key === madeByTag.Key && Value === madeByTag.Value) ?? false;
}

export function hasMadeByLabel(labels: Readonly<Record<string, string>> | undefined): boolean {
  return Object.entries(madeByLabel).every(([key, value]) => labels?.[key] === value);
}
