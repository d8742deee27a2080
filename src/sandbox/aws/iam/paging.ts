import { AwsFault } from '../fault.ts';
import type { QueryParams } from '../query-params.ts';

/** One page of a listing, with IsTruncated and Marker as every IAM list has them. */
export interface Page<T> {
  items: T[];
  IsTruncated: boolean;
  Marker: string | undefined;
}

/** Cuts a page out of a listing by MaxItems (100 unless given, 1000 at the most) and Marker. */
export function pageOf<T>(all: readonly T[], params: QueryParams): Page<T> {
  const size = params.number('MaxItems') ?? 100;
  if (size < 1 || size > 1000) {
    throw new AwsFault('ValidationError', 'MaxItems must have a value between 1 and 1000');
  }
  const marker = params.optional('Marker');
  const from = marker === undefined ? 0 : Number(Buffer.from(marker, 'base64').toString());
  if (!Number.isInteger(from) || from < 0) throw new AwsFault('ValidationError', 'Invalid Marker.');
  const to = from + size;
  const isTruncated = to < all.length;
  return {
    items: all.slice(from, to),
    IsTruncated: isTruncated,
    Marker: isTruncated ? Buffer.from(String(to)).toString('base64') : undefined,
  };
}
