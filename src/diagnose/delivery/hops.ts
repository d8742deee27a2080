/** The way of an image from the registry to running pods, in order. */
export const hopNames = ['pushed', 'scanned', 'chosen', 'committed', 'fetched', 'built', 'applied', 'running'] as const;
export type HopName = (typeof hopNames)[number];

export interface Hop {
  name: HopName;
  /** When it was first seen to be done, in milliseconds since the epoch. */
  atMs: number;
  /** What was done, in a few words. */
  detail: string;
}
