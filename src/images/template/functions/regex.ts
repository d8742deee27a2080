/** Sprig's regular expressions, on RE2 as everything that users write. */
import { RE2JS } from 're2js';
import { integerAt, textAt } from './arguments.ts';
import type { TemplateFunction } from './function-table.ts';

const functions: Record<string, TemplateFunction> = {
  regexMatch: (args) => RE2JS.compile(textAt(args, 0)).test(textAt(args, 1)),
  regexFind: (args) => findAll(textAt(args, 0), textAt(args, 1), 1)[0] ?? '',
  regexFindAll: (args) => findAll(textAt(args, 0), textAt(args, 1), integerAt(args, 2)),
  regexReplaceAll: (args) => replaceAll(textAt(args, 0), textAt(args, 1), goTemplate(textAt(args, 2))),
  regexReplaceAllLiteral: (args) =>
    replaceAll(textAt(args, 0), textAt(args, 1), RE2JS.quoteReplacement(textAt(args, 2))),
  regexSplit: (args) => splitBy(textAt(args, 0), textAt(args, 1), integerAt(args, 2)),
};

export const regexFunctions: Record<string, TemplateFunction> = {
  ...functions,
  ...Object.fromEntries(Object.entries(functions).map(([name, work]) => [`mustR${name.slice(1)}`, work])),
  regexQuoteMeta: (args) => RE2JS.quote(textAt(args, 0)),
};

function findAll(pattern: string, text: string, count: number): string[] {
  const matcher = RE2JS.compile(pattern).matcher(text);
  const found: string[] = [];
  while ((count < 0 || found.length < count) && matcher.find()) found.push(matcher.group() ?? '');
  return found;
}

function replaceAll(pattern: string, text: string, replacement: string): string {
  return RE2JS.compile(pattern).matcher(text).replaceAll(replacement);
}

/** `${1}` of Go is `$1` to the engine. */
function goTemplate(template: string): string {
  return template.replace(/\$\{([0-9]+)\}/g, '$$$1');
}

function splitBy(pattern: string, text: string, count: number): string[] {
  const matcher = RE2JS.compile(pattern).matcher(text);
  const parts: string[] = [];
  let from = 0;
  while ((count < 0 || parts.length < count - 1) && matcher.find()) {
    parts.push(text.slice(from, matcher.start()));
    from = matcher.end();
  }
  return count === 0 ? [] : [...parts, text.slice(from)];
}
