import type { Gap } from '../diagnose/collect/reader.ts';

const missing = /^(\S+) may not (\w+ \S+) (at the cluster scope|in the namespace "[^"]+")$/;

/** What could not be looked at, a line each; permissions that one user lacks at one place are one line. */
export function formatGaps(gaps: readonly Gap[]): string[] {
  const lines: string[] = [];
  const permissions = new Map<string, Set<string>>();
  for (const { what, why } of gaps) {
    const [, user, permission, where] = missing.exec(why) ?? [];
    if (permission === undefined) {
      lines.push(`could not look: ${what}: ${why}`);
      continue;
    }
    const place = `${user} may not, ${where}`;
    permissions.set(place, (permissions.get(place) ?? new Set()).add(permission));
  }
  const lacking = [...permissions].map(([place, all]) => `could not look: ${place}: ${[...all].join(', ')}`);
  return [...lacking, ...lines];
}
