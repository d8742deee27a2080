import { once } from 'node:events';
import { parentPort, Worker, workerData } from 'node:worker_threads';
import { type Dispatcher, request } from 'undici';
import { createHttpClient } from '../../src/http/http-client.ts';
import { createRegistry } from '../../src/oci/registry.ts';
import { listTags } from '../../src/oci/tags.ts';
import { startTagRegistry } from '../../test/support/tag-registry.ts';
import { busyTags } from './choose.ts';
import { measure, median, report } from './report.ts';

/** The registry, in a thread of its own: this very program again. */
export async function serveTags(): Promise<void> {
  const registry = await startTagRegistry();
  registry.tags = { mainapp: busyTags(100_000) };
  registry.pageDelayMs = (workerData as { pageDelayMs: number }).pageDelayMs;
  parentPort?.postMessage(registry.host);
}

/**
 * Our listing beside a bare client that receives the same bytes and looks at the links alone: from a registry that takes a
 * few milliseconds to make a page, as every real one does at the least, and from memory, where a page takes less time to
 * send than its JSON to parse.
 */
export async function benchList(): Promise<void> {
  await benchListFrom('a registry that takes 5 ms a page', { pageDelayMs: 5, runs: 5 });
  await benchListFrom('memory', { pageDelayMs: 0, runs: 15 });
}

async function benchListFrom(where: string, { pageDelayMs, runs }: { pageDelayMs: number; runs: number }) {
  const worker = new Worker(new URL(import.meta.url), { workerData: { pageDelayMs } });
  const [host] = (await once(worker, 'message')) as [string];
  const http = createHttpClient();
  const { signal } = new AbortController();
  const receivePages = async () => {
    for (let path: string | undefined = '/v2/mainapp/tags/list?n=1000'; path !== undefined; ) {
      const { headers, body }: Dispatcher.ResponseData = await request(`http://${host}${path}`);
      await body.bytes();
      path = /^<([^>]+)>/.exec(String(headers['link'] ?? ''))?.[1];
    }
  };
  const bare: number[] = [];
  const ours: number[] = [];
  for (let run = 0; run < runs; run++) {
    bare.push(await measure(receivePages));
    const repository = { host, name: 'mainapp' };
    const endpoints = { [host]: `http://${host}` };
    ours.push(await measure(() => listTags(createRegistry({ http, endpoints }), repository, { signal })));
  }
  report(`list 100,000 tags by pages from ${where} (1.2 × receiving)`, median(ours), 1.2 * median(bare));
  await http.close({ force: true });
  await worker.terminate();
}
