import type { Verdict } from '../../diagnose/verify/check.ts';
import type { Verification } from '../../diagnose/verify/verify.ts';
import { exitCodes } from '../exit-codes.ts';
import { formatGaps } from '../gaps.ts';
import { markdownTable } from '../markdown.ts';

const marks: Record<Verdict, string> = { pass: 'ok', fail: 'FAIL', unknown: '?', skipped: '-' };

/** 0 every check holds, 1 a check fails, 2 some could not be made. */
export function exitCodeOf({ checks }: Verification): number {
  if (checks.some(({ verdict }) => verdict === 'fail')) return exitCodes.failed;
  return checks.some(({ verdict }) => verdict === 'unknown') ? exitCodes.usage : exitCodes.ok;
}

/** One line a check, what to do under those that fail, and a summary. */
export function formatVerification(verification: Verification): string {
  const { namespace, checks } = verification;
  const width = Math.max(...checks.map(({ name }) => name.length));
  const lines = checks.flatMap(({ number, name, verdict, evidence, fix }) => {
    const start = `${String(number).padStart(2)}  ${marks[verdict].padEnd(4)}  ${name.padEnd(width)}  `;
    const indent = ' '.repeat(start.length);
    const text = evidence.replace(/\n\s*/g, `\n${indent}`);
    return fix === undefined ? [`${start}${text}`] : [`${start}${text}`, `${indent}fix: ${fix}`];
  });
  const unread = formatGaps(untold(verification));
  return [`the chain of ${namespace}`, '', ...lines, '', ...unread, summary(verification)].join('\n');
}

/** The same as a report for a ticket. */
export function verificationMarkdown(verification: Verification): string {
  const { namespace, checks } = verification;
  const rows = checks.map(({ number, name, verdict, evidence }) => [String(number), name, marks[verdict], evidence]);
  const fixes = checks.flatMap(({ number, name, fix }) =>
    fix === undefined ? [] : [`- ${number}, ${name}: ${fix.replace(/\s+/g, ' ')}`],
  );
  const unread = formatGaps(untold(verification)).map((line) => `- ${line}`);
  return [
    `## millrace verify: ${namespace}`,
    summary(verification),
    markdownTable(['#', 'check', 'result', 'evidence'], rows),
    ...(fixes.length > 0 ? ['### What to do', fixes.join('\n')] : []),
    ...(unread.length > 0 ? ['### Not looked at', unread.join('\n')] : []),
  ].join('\n\n');
}

/** What could not be read and no check speaks of. */
function untold({ gaps, checks }: Verification) {
  return gaps.filter(({ why }) => !checks.some(({ evidence }) => evidence.includes(why)));
}

function summary({ checks }: Verification): string {
  const numbers = (wanted: Verdict) => [
    ...new Set(checks.filter(({ verdict }) => verdict === wanted).map(({ number }) => number)),
  ];
  const [failed, unknown] = [numbers('fail'), numbers('unknown')];
  const parts = [
    ...(failed.length > 0 ? [`fails: ${failed.join(', ')}`] : []),
    ...(unknown.length > 0 ? [`could not be checked: ${unknown.join(', ')}`] : []),
  ];
  return parts.length === 0 ? 'every link holds' : parts.join('; ');
}
