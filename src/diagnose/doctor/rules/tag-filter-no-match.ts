import { RE2JS } from 're2js';
import { number, record, text, texts } from '../facts.ts';
import { because, type Report, type Rule } from '../rule.ts';

export const tagFilterNoMatch: Rule = {
  code: 'tag-filter-no-match',
  cause: 'Tags exist, but the filter of the policy, or what it extracts, leaves nothing to choose from.',
  fix: 'Try the pattern on the real tags; `extract` names a group of the pattern, as $name or ${name}.',
  commands: ['kubectl -n $NS get imagepolicy $NAME -o yaml | millrace policy test -f -'],
  says: [
    [/version list argument cannot be empty|no image found for policy/i, 0.9],
    [/unable to determine latest version|no match found/i, 0],
  ],
  weigh,
  shows: (facts) => filterFault(facts['tags'], record(facts, 'policy') ?? {}),
  examples: [
    { symptom: 'version list argument cannot be empty', found: true },
    {
      symptom: 'unable to determine latest version from provided list',
      facts: { tags: ['release-1.0.0'], policy: { filter_pattern: '^release-(?P<v>.*)$', extract: '$version' } },
      found: true,
    },
    { symptom: 'version list argument cannot be empty', facts: { tags_found: 0 }, found: false },
  ],
};

function weigh(confidence: number, { facts }: Report) {
  if (number(facts, 'tags_found') === 0) return because(0);
  const fault = filterFault(facts['tags'], record(facts, 'policy') ?? {});
  return fault === undefined ? because(confidence) : because(Math.max(confidence, 0.95), fault);
}

function filterFault(tags: unknown, policy: Readonly<Record<string, unknown>>): string | undefined {
  const pattern = text(policy, 'filter_pattern');
  if (pattern === undefined) return undefined;
  const extract = text(policy, 'extract') ?? '';
  const group = /\$\{?(\w+)\}?/.exec(extract)?.[1];
  const names = [...pattern.matchAll(/\(\?P?<(\w+)>/g)].map(([, name]) => name);
  if (group !== undefined && !/^\d+$/.test(group) && !names.includes(group)) {
    return `extract names the group '${group}', the pattern has ${names.length === 0 ? 'none' : names.join(', ')}`;
  }
  const compiled = compile(pattern);
  const seen = texts(tags);
  if (compiled !== undefined && seen.length > 0 && !seen.some((tag) => compiled.matcher(tag).find())) {
    return `'${pattern}' matches none of ${seen.slice(0, 5).join(', ')}`;
  }
  return undefined;
}

function compile(pattern: string): RE2JS | undefined {
  try {
    return RE2JS.compile(pattern);
  } catch {
    return undefined; // An invalid pattern is image-spec-invalid's business.
  }
}
