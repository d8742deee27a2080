import type { HopName } from '../delivery/hops.ts';

/**
 * `waiting`: nothing is wrong, it has not happened yet; `stopped`: it will not happen by itself; `superseded`: another tag has
 * taken the place since; `unknown`: it could not be looked at.
 */
export type HopState = 'done' | 'waiting' | 'stopped' | 'superseded' | 'unknown';

/** One hop of a delivery as the cluster, git and the registry show it afterwards. */
export interface TraceHop {
  name: HopName;
  state: HopState;
  /** RFC 3339; absent where nothing has kept the time. */
  at?: string;
  /** What was seen, or what it waits for, or why it stopped. */
  evidence: string;
  /** `Kind/namespace/name` of who is in charge. */
  object?: string;
}

/** What a hop says whose object is suspended: nothing before it would change that. */
export const suspended = 'suspended';

/**
 * A hop that is done proves the hops before it: a commit that runs was fetched, whatever the fetcher says by now. Hops after one
 * that is not done wait for it.
 */
export function settleHops(hops: readonly TraceHop[]): TraceHop[] {
  const isPast = ({ state }: TraceHop) => state === 'done' || state === 'superseded';
  const last = hops.findLastIndex(isPast);
  const first = hops[last + 1];
  return hops.map((hop, index) => {
    if (index < last && !isPast(hop)) {
      const seen = hop.evidence === '' ? '' : ` (${hop.evidence})`;
      return { ...hop, state: 'done', evidence: `by what came after${seen}` };
    }
    if (index <= last + 1 || first === undefined) return hop;
    const besides = hop.evidence === suspended ? `; ${suspended} as well` : '';
    return { ...hop, state: 'waiting', evidence: `for ${first.name}${besides}` };
  });
}
