import type { ImageDelivery } from './follow.ts';
import type { Rehearsal } from './rehearsal.ts';

/** Whether everything that was pushed would arrive, and nothing is wrong beside it. */
export function isClean({ images, findings, unexplained }: Rehearsal): boolean {
  return images.every(({ isDelivered }) => isDelivered) && findings.length + unexplained.length === 0;
}

/** The report for a terminal. */
export function formatText(rehearsal: Rehearsal): string {
  const { commit, objects, findings, unexplained, notes } = rehearsal;
  const parts = rehearsal.images.map(formatImageText);
  if (commit !== undefined)
    parts.push(`commit ${commit.hash.slice(0, 7)}\n${indent(commit.message)}\n\n${commit.diff.trimEnd()}`);
  if (objects.length > 0) {
    const diffs = objects.map(({ object, action, diff }) => `${object} ${action}\n${diff.trimEnd()}`);
    parts.push([`objects that change: ${objects.length}`, ...diffs].join('\n\n'));
  }
  for (const { code, cause, fix, evidence, objects: seen } of findings) {
    const lines = [`finding      ${code}`, `  cause      ${cause}`, ...evidence.map((one) => `  evidence   ${one}`)];
    parts.push([...lines, `  fix        ${fix}`, ...seen.map((one) => `  seen at    ${one}`)].join('\n'));
  }
  for (const { object, message } of unexplained) parts.push(`complaint    ${object}: ${message}`);
  if (notes.length > 0) {
    parts.push(['not rehearsed as in production', ...notes.map(({ what, why }) => `  ${what}: ${why}`)].join('\n'));
  }
  parts.push(verdictOf(rehearsal));
  return parts.join('\n\n');
}

function formatImageText({ image, choices, stopped, isDelivered }: ImageDelivery): string {
  const lines = [`${isDelivered ? 'delivered' : 'stopped'.padEnd(9)}    ${image}`];
  for (const { policy, chosen, latest, reason } of choices) {
    const answer = chosen
      ? 'takes it'
      : `does not take it: ${reason}${latest === undefined ? '' : `; it has ${latest}`}`;
    lines.push(`  policy     ${policy} ${answer}`);
  }
  if (stopped !== undefined) lines.push(`  not ${stopped.hop.padEnd(9)}${stopped.why}`);
  return lines.join('\n');
}

function verdictOf(rehearsal: Rehearsal): string {
  if (isClean(rehearsal)) return 'would be delivered';
  const missing = rehearsal.images.filter(({ isDelivered }) => !isDelivered).length;
  const count = rehearsal.findings.length + rehearsal.unexplained.length;
  const found = `${count} ${count === 1 ? 'finding' : 'findings'}`;
  return missing === 0
    ? `would be delivered, with ${found}`
    : `would not be delivered: ${missing} of ${rehearsal.images.length}, ${found}`;
}

/** The report to paste into a ticket or a pull request. */
export function formatMarkdown(rehearsal: Rehearsal): string {
  const { images, commit, objects, findings, unexplained, notes } = rehearsal;
  const parts = [
    `## Rehearsal: ${verdictOf(rehearsal)}`,
    `Tree: ${code(rehearsal.tree)}, folder ${code(rehearsal.path)}, branch ${code(rehearsal.branch)}`,
  ];
  const rows = images.map(({ image, stopped, choices }) => {
    const policies = choices.map(
      ({ policy, chosen, reason }) => `${code(policy)} ${chosen ? 'takes it' : cell(reason ?? '')}`,
    );
    return `| ${code(image)} | ${stopped === undefined ? 'delivered' : `not ${stopped.hop}: ${cell(stopped.why)}`} | ${policies.join('<br>')} |`;
  });
  parts.push(['| image | outcome | policies |', '| --- | --- | --- |', ...rows].join('\n'));
  if (commit !== undefined) parts.push('### Commit', fence('', commit.message), fence('diff', commit.diff));
  if (objects.length > 0) {
    parts.push('### Objects');
    for (const { object, action, diff } of objects) parts.push(`${code(object)} ${action}`, fence('diff', diff));
  }
  if (findings.length + unexplained.length > 0) {
    const known = findings.map(
      ({ code: name, cause, fix, objects: seen }) => `- **${name}** at ${seen.map(code).join(', ')}: ${cause} ${fix}`,
    );
    const unknown = unexplained.map(({ object, message }) => `- ${code(object)}: ${message}`);
    parts.push('### Findings', [...known, ...unknown].join('\n'));
  }
  if (notes.length > 0)
    parts.push(
      '### Not rehearsed as in production',
      notes.map(({ what, why }) => `- ${code(what)}: ${why}`).join('\n'),
    );
  return parts.join('\n\n');
}

function code(text: string): string {
  return `\`${text.replaceAll('`', "'")}\``;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

/** A block whose fence is longer than any in the text. */
function fence(language: string, text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const mark = '`'.repeat(longest + 1);
  return `${mark}${language}\n${text.trimEnd()}\n${mark}`;
}

function indent(text: string): string {
  return text
    .split('\n')
    .map((line) => `    ${line}`.trimEnd())
    .join('\n');
}
