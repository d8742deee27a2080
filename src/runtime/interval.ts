/** Spreads an interval by ±`fraction` (default 5 %, spec/source.md §2.4), so that objects made together drift apart. */
export function withJitter(intervalMs: number, fraction = 0.05, random: () => number = Math.random): number {
  return Math.round(intervalMs * (1 + fraction * (2 * random() - 1)));
}
