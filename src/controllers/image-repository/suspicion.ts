/**
 * Listings that are rather a fault of the registry than the truth. Flux believes every listing that ends without error;
 * a policy then moves down and a downgrade is committed. We believe a suspect one when it has repeated itself.
 */

/** A suspect listing is believed when so many scans in a row, some time apart, gave it. */
export const scansToBelieve = 3;
/** Fewer tags than this are too few to tell a shrunken listing from a small one. */
const fewTags = 10;

export interface ListingFacts {
  /** Tags known before; undefined where nothing was known. */
  knownCount: number | undefined;
  tags: readonly string[];
  /** Tags that policies have chosen, by the policy's `namespace/name`. */
  inUse: ReadonlyMap<string, string>;
}

/** Why a listing is not believed at once, or undefined. */
export function whySuspect({ knownCount, tags, inUse }: ListingFacts): string | undefined {
  if (knownCount === undefined) return undefined;
  if (tags.length === 0 && knownCount > 0) return `the listing is empty, ${knownCount} tags were known`;
  if (knownCount >= fewTags && tags.length < knownCount / 2) {
    return `the listing shrank from ${knownCount} to ${tags.length} tags`;
  }
  const listed = new Set(tags);
  for (const [policy, tag] of inUse) {
    if (!listed.has(tag)) return `tag '${tag}', which policy '${policy}' uses, is gone from the listing`;
  }
  return undefined;
}

interface Sighting {
  revision: string;
  scans: number;
  /** When the last of them was made. */
  at: number;
}

/** Counts how often in a row an object's scans gave the same suspect listing. */
export interface Suspicions {
  /**
   * Scans in a row that gave `revision`, at least `apartMs` from each other, and when the last of them was made: a burst
   * of pushes looks at the same moment of a registry several times, which proves nothing.
   */
  sighted(object: string, revision: string, time: { now: number; apartMs: number }): { scans: number; at: number };
  clear(object: string): void;
}

export function createSuspicions(): Suspicions {
  const sightings = new Map<string, Sighting>();
  return {
    sighted(object, revision, { now, apartMs }) {
      const before = sightings.get(object);
      if (before?.revision === revision && now - before.at < apartMs) return before;
      const scans = before?.revision === revision ? before.scans + 1 : 1;
      const sighting = { revision, scans, at: now };
      sightings.set(object, sighting);
      return sighting;
    },
    clear: (object) => void sightings.delete(object),
  };
}
