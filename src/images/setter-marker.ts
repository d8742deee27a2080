import { isRecord } from '../base/json.ts';

/** What a policy chose: the image name as in `ImageRepository.spec.image`, the tag, and the digest where reflected. */
export interface PolicyRef {
  image: string;
  tag: string;
  digest?: string;
}

/** Chosen images by `namespace:name` of their policy. */
export type PolicyRefs = Readonly<Record<string, PolicyRef>>;

const legacyPrefix = '#/definitions/io.k8s.cli.setters.';

/**
 * The setters that a comment names (spec/image.md §7.2), or an empty list when it is no marker. `comment` starts with
 * its `#`. The short form (`{"$imagepolicy": "ns:policy"}`) goes before the legacy `$ref` form of the same object.
 */
export function parseMarker(comment: string): string[] {
  if (!comment.includes('"$imagepolicy"') && !comment.includes('"$ref"')) return [];
  const object = parseJsonObject(comment.replace(/^#+/, ''));
  if (object === undefined) return [];
  const setters: string[] = [];
  const short = object['$imagepolicy'];
  // Go decodes a JSON null into a map of strings as ''.
  const isStringMap = Object.values(object).every((value) => typeof value === 'string' || value === null);
  if (isStringMap && typeof short === 'string' && short !== '') setters.push(short);
  const legacy = object['$ref'];
  if (typeof legacy === 'string' && legacy.startsWith(legacyPrefix)) setters.push(legacy.slice(legacyPrefix.length));
  return setters;
}

/** A setter taken apart, or undefined for one that can never name a policy. */
export function parseSetter(setter: string): { policy: string; field: SetterField } | undefined {
  const match = /^([^:\s/]+:[^:\s/]+)(?::(tag|name|digest))?$/.exec(setter);
  if (match === null) return undefined;
  return { policy: match[1] ?? '', field: (match[2] as SetterField | undefined) ?? 'image' };
}

export type SetterField = 'image' | 'tag' | 'name' | 'digest';

/** The text that a setter writes, or undefined when it names no policy of `policies`. */
export function setterValue(setter: string, policies: PolicyRefs): string | undefined {
  const parsed = parseSetter(setter);
  if (parsed === undefined || !Object.hasOwn(policies, parsed.policy)) return undefined;
  const ref = policies[parsed.policy];
  return ref === undefined ? undefined : fieldValue(parsed.field, ref);
}

function fieldValue(field: SetterField, ref: PolicyRef): string {
  switch (field) {
    case 'image':
      return formatImageRef(ref);
    case 'tag':
      return ref.tag;
    case 'name':
      return ref.image;
    case 'digest':
      return ref.digest ?? '';
  }
}

/** `name:tag`, and `@digest` where there is one. */
export function formatImageRef({ image, tag, digest }: PolicyRef): string {
  return digest ? `${image}:${tag}@${digest}` : `${image}:${tag}`;
}

function parseJsonObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
