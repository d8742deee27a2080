import type { Readable } from 'node:stream';
import { MillraceError } from '../base/error.ts';

const defaultMaxBytes = 64 * 1024 * 1024;

/** Reads a stream to its end. Throws HTTP_TOO_LARGE, and lets go of the stream, when it is longer than `maxBytes`. */
export async function readBody(body: Readable, what: string, maxBytes = defaultMaxBytes): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) {
      body.destroy();
      throw new MillraceError('HTTP_TOO_LARGE', `${what}: the answer is larger than ${maxBytes} bytes`, {
        retry: 'never',
      });
    }
    chunks.push(chunk);
  }
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, size);
}
