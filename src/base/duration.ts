import { MillraceError } from './error.ts';

const unitMs: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/**
 * Parses a duration as the Flux APIs accept it (`1m30s`, `1.5h`, `500ms`; spec/source.md §1) into milliseconds.
 * Throws BAD_INPUT for anything else: no days, no sign, no bare number.
 */
export function parseDuration(text: string, where = 'duration'): number {
  if (!/^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$/.test(text)) {
    throw new MillraceError('BAD_INPUT', `${where}: '${text}' is not a duration`, {
      hint: 'Write numbers with units ms, s, m or h, like 1m30s.',
      retry: 'never',
    });
  }
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)/g)) {
    total += Number(amount) * (unitMs[unit ?? ''] ?? 0);
  }
  return total;
}

/** Prints milliseconds as Go prints a duration: `5m0s`, `1h30m0s`, `1.5s`, `250ms`. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s';
  if (Math.abs(ms) < 1000) return `${trimNumber(ms)}ms`;
  const hours = Math.floor(ms / 3_600_000);
  const minutes = Math.floor((ms % 3_600_000) / 60_000);
  const seconds = trimNumber((ms % 60_000) / 1000);
  if (hours > 0) return `${hours}h${minutes}m${seconds}s`;
  if (minutes > 0) return `${minutes}m${seconds}s`;
  return `${seconds}s`;
}

function trimNumber(value: number): string {
  return String(Number(value.toFixed(6)));
}
