import { RE2JS } from 're2js';
import { MillraceError } from '../base/error.ts';
import { rememberByShape } from './tag-shapes.ts';

/** A compiled RE2 expression that searches a text (spec/image.md §5.1). Linear in the text for every pattern. */
export interface TagPattern {
  /** Whether the pattern matches anywhere in `text`. */
  matches(text: string): boolean;
  /**
   * A function that fills `template` with the leftmost match in a text, as Go's `Regexp.Expand` does; undefined where the
   * text does not match.
   */
  expander(template: string): (text: string) => string | undefined;
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
  return {
    matches: rememberByShape(text, (candidate) => compiled.test(candidate)),
    expander(template) {
      const parts = parseTemplate(template, groupNames, compiled.groupCount());
      const matcher = compiled.matcher('');
      const find = rememberByShape(text, (candidate) => {
        matcher.resetMatcherInput(candidate);
        return matcher.find() ? parts.map((part) => (typeof part === 'string' ? part : placeOf(part))) : undefined;
      });
      // Of groups with one name, the first that took part in the match counts.
      const placeOf = (groups: readonly number[]): Place => {
        const group = groups.find((candidate) => matcher.start(candidate) >= 0);
        return group === undefined ? [0, 0] : [matcher.start(group), matcher.end(group)];
      };
      return (candidate) => {
        const found = find(candidate);
        if (found === undefined) return undefined;
        let result = '';
        for (const part of found) result += typeof part === 'string' ? part : candidate.slice(part[0], part[1]);
        return result;
      };
    },
  };
}

/** From where to where in a text. */
type Place = readonly [start: number, end: number];

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
 * Takes a template of Go's `Regexp.Expand` apart into texts and group numbers (spec/image.md §5.2): `$name` takes the
 * longest run of letters, digits and `_`; unknown groups are empty; `$$` is a dollar; a `$` without a name stays.
 */
function parseTemplate(
  template: string,
  groupNames: ReadonlyMap<string, readonly number[]>,
  groupCount: number,
): (string | readonly number[])[] {
  const parts: (string | readonly number[])[] = [];
  let copied = 0;
  for (const match of template.matchAll(/\$(?:\$|([\p{L}\p{Nd}_]+)|\{([\p{L}\p{Nd}_]+)\})/gu)) {
    const name = match[1] ?? match[2];
    parts.push(template.slice(copied, match.index), name === undefined ? '$' : groupsOf(name));
    copied = match.index + match[0].length;
  }
  parts.push(template.slice(copied));
  return parts.filter((part) => part.length > 0);

  function groupsOf(name: string): readonly number[] {
    // A number with a leading zero is a name to Go.
    if (!/^(?:0|[1-9][0-9]{0,8})$/.test(name)) return groupNames.get(name) ?? [];
    return Number(name) <= groupCount ? [Number(name)] : [];
  }
}
