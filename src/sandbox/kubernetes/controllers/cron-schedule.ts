const shortcuts: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

const ranges = [
  [0, 59],
  [0, 23],
  [1, 31],
  [1, 12],
  [0, 6],
] as const;

const names = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

/** The sets of minutes, hours, days, months and weekdays of a cron schedule; undefined where it is not one. */
export function parseSchedule(schedule: string): Set<number>[] | undefined {
  const fields = (shortcuts[schedule.trim()] ?? schedule).trim().split(/\s+/);
  if (fields.length !== 5) return undefined;
  const sets = fields.map((field, index) => parseField(field, index));
  return sets.every((set): set is Set<number> => set !== undefined) ? sets : undefined;
}

function parseField(field: string, index: number): Set<number> | undefined {
  const [least, most] = ranges[index] ?? [0, 0];
  const result = new Set<number>();
  for (const part of field.split(',')) {
    const match = /^(\*|\?|[\w]+)(?:-(\w+))?(?:\/(\d+))?$/.exec(part);
    if (match === null) return undefined;
    const [, first = '', last, step] = match;
    const any = first === '*' || first === '?';
    const from = any ? least : numberOf(first, index);
    const to = any || (last === undefined && step !== undefined) ? most : numberOf(last ?? first, index);
    if (from === undefined || to === undefined || from < least || to > most || from > to || step === '0')
      return undefined;
    for (let value = from; value <= to; value += Number(step ?? 1)) result.add(value);
  }
  return result;
}

function numberOf(text: string, index: number): number | undefined {
  const lower = text.toLowerCase();
  if (index === 3 && names.includes(lower)) return names.indexOf(lower) + 1;
  if (index === 4 && days.includes(lower)) return days.indexOf(lower);
  if (!/^\d+$/.test(text)) return undefined;
  return index === 4 && text === '7' ? 0 : Number(text);
}

/** The first time after `after` that a schedule names, in UTC, within a year; milliseconds since the epoch. */
export function nextRun(schedule: string, after: number): number | undefined {
  const sets = parseSchedule(schedule);
  if (sets === undefined || Number.isNaN(after)) return undefined;
  const [minutes, hours, monthDays, months, weekDays] = sets as [
    Set<number>,
    Set<number>,
    Set<number>,
    Set<number>,
    Set<number>,
  ];
  const minute = 60_000;
  let time = after - (after % minute) + minute;
  const last = time + 366 * 86_400_000;
  while (time < last) {
    const date = new Date(time);
    // A restricted day of the month and of the week are alternatives.
    const both = monthDays.size < 31 && weekDays.size < 7;
    const inMonth = monthDays.has(date.getUTCDate());
    const inWeek = weekDays.has(date.getUTCDay());
    const day = both ? inMonth || inWeek : inMonth && inWeek;
    if (!months.has(date.getUTCMonth() + 1) || !day) time += 86_400_000 - (time % 86_400_000);
    else if (!hours.has(date.getUTCHours())) time += 3_600_000 - (time % 3_600_000);
    else if (!minutes.has(date.getUTCMinutes())) time += minute;
    else return time;
  }
  return undefined;
}
