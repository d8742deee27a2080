/** Prints one measured value beside its bar. */
export function report(what: string, ms: number, barMs: number): void {
  const verdict = ms <= barMs ? 'within' : 'OVER';
  console.log(
    `${what.padEnd(62)} ${ms.toFixed(0).padStart(6)} ms   ${verdict} ${barMs.toFixed(0)} ms (${(ms / barMs).toFixed(2)}×)`,
  );
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

export async function measure(work: () => Promise<unknown> | unknown): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}
