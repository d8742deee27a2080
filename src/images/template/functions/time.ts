/** Sprig's functions of time that do not depend on a zone. Times are given as seconds since the epoch. */
import type { Value } from '../value.ts';
import { textAt, toInteger } from './arguments.ts';
import type { TemplateFunction } from './function-table.ts';

export function timeFunctions(now: () => number): Record<string, TemplateFunction> {
  return {
    unixEpoch: ([seconds = 0n]) => String(toInteger(seconds)),
    duration: ([seconds = 0n]) => formatSeconds(Number(toInteger(seconds))),
    durationRound: ([value = 0n]) => roundSeconds(Number(toInteger(value))),
    ago: ([seconds = 0n]) => formatSeconds(Math.round(now() / 1000) - Number(toInteger(seconds))),
    toDate: (args) => secondsOf(args),
    mustToDate: (args) => secondsOf(args),
  };
}

function secondsOf(args: readonly Value[]): bigint {
  const time = Date.parse(textAt(args, 1));
  if (Number.isNaN(time)) throw new Error(`cannot parse ${JSON.stringify(textAt(args, 1))} as a time`);
  return BigInt(Math.floor(time / 1000));
}

function formatSeconds(seconds: number): string {
  const hours = Math.trunc(seconds / 3600);
  const minutes = Math.trunc((seconds % 3600) / 60);
  const rest = seconds % 60;
  if (hours !== 0) return `${hours}h${minutes}m${rest}s`;
  return minutes === 0 ? `${rest}s` : `${minutes}m${rest}s`;
}

function roundSeconds(seconds: number): string {
  const units: [string, number][] = [
    ['y', 31_536_000],
    ['mo', 2_592_000],
    ['d', 86_400],
    ['h', 3600],
    ['m', 60],
    ['s', 1],
  ];
  const [name, size] = units.find(([, length]) => Math.abs(seconds) >= length) ?? ['s', 1];
  return `${Math.trunc(seconds / size)}${name}`;
}
