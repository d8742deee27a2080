import { RE2JS } from 're2js';
import { MillraceError } from '../base/error.ts';

/** A compiled RE2 expression that searches a text (spec/image.md §5.1). Linear in the text for every pattern. */
export interface TagPattern {
  readonly source: string;
  /** Whether the pattern matches anywhere in `text`. */
  matches(text: string): boolean;
  /** The groups of the leftmost match (0 is the whole match; undefined: took no part), or undefined without a match. */
  match(text: string): (string | undefined)[] | undefined;
  /** Group numbers by name, in order; Go allows a name twice. */
  readonly groupNames: ReadonlyMap<string, readonly number[]>;
}

/**
 * Compiles a pattern in Go's RE2 syntax. `describe` makes the message from the engine's complaint.
 * Throws IMAGE_POLICY_INVALID for what RE2 does not have: look-around, back-references, possessive quantifiers …
 */
export function compileTagPattern(source: string, describe: (complaint: string) => string): TagPattern {
  const { text, groupNames } = dropGroupNames(source);
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(text);
  } catch (cause) {
    throw new MillraceError('IMAGE_POLICY_INVALID', describe(cause instanceof Error ? cause.message : String(cause)), {
      cause,
      retry: 'never',
      hint: 'Patterns are RE2 (https://github.com/google/re2/wiki/Syntax): no look-ahead, look-behind or back-references.',
    });
  }
  const matcher = compiled.matcher('');
  return {
    source,
    groupNames,
    matches: (candidate) => compiled.test(candidate),
    match(candidate) {
      matcher.resetMatcherInput(candidate);
      if (!matcher.find()) return undefined;
      const groups: (string | undefined)[] = [];
      for (let i = 0; i <= matcher.groupCount(); i++) groups.push(matcher.group(i) ?? undefined);
      return groups;
    },
  };
}

/**
 * The engine refuses a group name that occurs twice, Go does not. So the engine gets unnamed groups and we keep the
 * names. Groups whose names Go refuses are left as they are, for the engine to refuse.
 */
function dropGroupNames(source: string): { text: string; groupNames: Map<string, number[]> } {
  const groupNames = new Map<string, number[]>();
  // An escape (\Q…\E quotes up to its end), a class, or the opening of a group; anything else is copied.
  const tokens =
    /\\Q[\s\S]*?(?:\\E|$)|\\[\s\S]|\[\^?\]?(?:\[:\^?[a-z]*:\]|\\[\s\S]|[^\]\\])*\]|\(\?P?<([A-Za-z0-9_]+)>|\((?!\?)/g;
  let groups = 0;
  const text = source.replace(tokens, (token: string, name: string | undefined) => {
    if (token === '(') groups++;
    if (name === undefined) return token;
    groups++;
    groupNames.set(name, [...(groupNames.get(name) ?? []), groups]);
    return '(';
  });
  return { text, groupNames };
}

/**
 * Fills a template with a match as Go's `Regexp.Expand` does (spec/image.md §5.2): `$name` takes the longest run of
 * letters, digits and `_`; unknown and unmatched groups are empty; `$$` is a dollar; a `$` without a name stays.
 */
export function expandTemplate(template: string, groups: readonly (string | undefined)[], pattern: TagPattern): string {
  return template.replace(/\$(?:\$|([\p{L}\p{Nd}_]+)|\{([\p{L}\p{Nd}_]+)\})/gu, (_, bare?: string, braced?: string) => {
    const name = bare ?? braced;
    if (name === undefined) return '$';
    // A number with a leading zero is a name to Go.
    if (/^(?:0|[1-9][0-9]{0,8})$/.test(name)) return groups[Number(name)] ?? '';
    const indexes = pattern.groupNames.get(name) ?? [];
    return groups[indexes.find((index) => groups[index] !== undefined) ?? -1] ?? '';
  });
}
