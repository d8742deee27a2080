import { AwsFault } from '../fault.ts';
import { type JsonInput, optionalNumber, optionalText } from '../json-input.ts';

/** Cuts a page of at most `maxResults` (1–1000, 100 unless given) out of a listing. */
export function ecrPage<T>(all: readonly T[], input: JsonInput): { items: T[]; nextToken: string | undefined } {
  const size = optionalNumber(input, 'maxResults') ?? 100;
  if (size < 1 || size > 1000) {
    throw new AwsFault(
      'InvalidParameterException',
      `Invalid parameter at 'maxResults' failed to satisfy constraint: 'must be between 1 and 1000'`,
    );
  }
  const token = optionalText(input, 'nextToken');
  const from = token === undefined ? 0 : Number(Buffer.from(token, 'base64').toString());
  if (!Number.isInteger(from) || from < 0) throw new AwsFault('InvalidParameterException', 'Invalid nextToken');
  const to = from + size;
  const nextToken = to < all.length ? Buffer.from(String(to)).toString('base64') : undefined;
  return { items: all.slice(from, to), nextToken };
}
