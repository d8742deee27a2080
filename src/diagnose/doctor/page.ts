import { groupOfCode } from './codes.ts';
import { legendOf } from './diagnose.ts';
import type { Rule } from './rule.ts';

/** The page of a failure code, as Markdown: docs/failures/<code>.md and `millrace explain`. */
export function failurePage(rule: Rule): string {
  const found = rule.examples.filter((example) => example.found);
  const lines = [
    `# ${rule.code}`,
    '',
    `Group: ${groupOfCode(rule.code)}`,
    '',
    '## Cause',
    '',
    rule.cause,
    '',
    '## Fix',
    '',
    rule.fix,
    '',
  ];
  if (rule.commands !== undefined) {
    lines.push('```sh', ...rule.commands, '```', '');
    const legend = Object.entries(legendOf(rule.commands)).map(([name, meaning]) => `- \`$${name}\`: ${meaning}`);
    if (legend.length > 0) lines.push('`millrace doctor` puts in what it finds of:', '', ...legend, '');
  }
  lines.push('## What it looks like', '');
  for (const { symptom, facts } of found) {
    lines.push('```', symptom, '```', '');
    if (facts !== undefined) lines.push(`with \`${JSON.stringify(facts)}\``, '');
  }
  return `${lines.join('\n').trimEnd()}\n`;
}

/** The index of the pages, as Markdown. */
export function failureIndex(rules: readonly Rule[]): string {
  const rows = rules.map((rule) => `| [${rule.code}](${rule.code}.md) | ${groupOfCode(rule.code)} | ${rule.cause} |`);
  return `# Failure codes\n\nOne code per root cause; \`millrace doctor\` finds them, \`millrace explain CODE\` prints a page.\n\n| code | group | cause |\n| --- | --- | --- |\n${rows.join('\n')}\n`;
}
