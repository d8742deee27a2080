import { once } from 'node:events';
import { parentPort, Worker } from 'node:worker_threads';
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
  parentPort?.postMessage(registry.host);
}

/** Our listing beside the mere reading of the same pages, one after the other. */
export async function benchList(): Promise<void> {
  const worker = new Worker(new URL(import.meta.url));
  const [host] = (await once(worker, 'message')) as [string];
  const http = createHttpClient();
  const { signal } = new AbortController();
  const readPages = async () => {
    for (let path: string | undefined = '/v2/mainapp/tags/list?n=1000'; path !== undefined; ) {
      const response = await http.send({ url: `http://${host}${path}`, signal });
      await response.bytes();
      path = /^<([^>]+)>/.exec(response.headers['link'] ?? '')?.[1];
    }
  };
  const plain: number[] = [];
  const ours: number[] = [];
  for (let run = 0; run < 9; run++) {
    plain.push(await measure(readPages));
    const repository = { host, name: 'mainapp' };
    const endpoints = { [host]: `http://${host}` };
    ours.push(await measure(() => listTags(createRegistry({ http, endpoints }), repository, { signal })));
  }
  report('list 100,000 tags by pages of 1,000 (bar: 1.2 × reading them)', median(ours), 1.2 * median(plain));
  await http.close({ force: true });
  await worker.terminate();
}
