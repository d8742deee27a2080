import type { Readable } from 'node:stream';
import { MillraceError } from '../base/error.ts';
import { isRecord } from '../base/json.ts';
import type { KubeObject } from '../base/kube-object.ts';
import type { WatchEvent } from './client.ts';
import { kubeError, parseStatus } from './status-error.ts';

/** A watch event is one object; etcd's limit for it is 1.5 MiB, so this is far beyond any honest line. */
const maxLineBytes = 64 * 1024 * 1024;
const newline = 0x0a;

/**
 * Reads the events of a watch's body. A line that the connection cut off is dropped: the watch is resumed from the last
 * complete one. Throws KUBE_EXPIRED for an ERROR event with 410, and the matching error for any other.
 */
export async function* readWatchEvents<T extends KubeObject>(body: Readable): AsyncGenerator<WatchEvent<T>> {
  let rest: Buffer[] = [];
  let restBytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      const piece = chunk.subarray(start, end);
      const line = restBytes === 0 ? piece : Buffer.concat([...rest, piece]);
      rest = [];
      restBytes = 0;
      start = end + 1;
      if (line.length > 0) yield parseEvent<T>(line.toString('utf8'));
    }
    if (start < chunk.length) {
      rest.push(chunk.subarray(start));
      restBytes += chunk.length - start;
      if (restBytes > maxLineBytes) throw new MillraceError('HTTP_TOO_LARGE', 'A watch event is larger than 64 MiB');
    }
  }
}

function parseEvent<T extends KubeObject>(line: string): WatchEvent<T> {
  const event: unknown = JSON.parse(line);
  if (!isRecord(event) || !isRecord(event['object'])) {
    throw new MillraceError('KUBE_STATUS', 'A watch sent something that is no event');
  }
  const { type, object } = event;
  switch (type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
      return { type, object: object as T };
    case 'BOOKMARK':
      return { type, resourceVersion: (object as unknown as KubeObject).metadata.resourceVersion ?? '' };
    default:
      throw kubeError(parseStatus(500, JSON.stringify(object), 'watch'));
  }
}
