import { createHttpClient } from '../../src/http/http-client.ts';
import { createRegistry } from '../../src/oci/registry.ts';
import { listTags } from '../../src/oci/tags.ts';
import { startTagRegistry } from '../../test/support/tag-registry.ts';
import { busyTags } from './choose.ts';
import { measure, median, report } from './report.ts';

/** Our listing beside the mere reading of the same pages. */
export async function benchList(): Promise<void> {
  const registry = await startTagRegistry();
  registry.tags = { mainapp: busyTags(100_000) };
  const http = createHttpClient();
  const { signal } = new AbortController();
  const readPages = async () => {
    for (let path: string | undefined = '/v2/mainapp/tags/list?n=1000'; path !== undefined; ) {
      const response = await http.send({ url: `http://${registry.host}${path}`, signal });
      await response.bytes();
      path = /^<([^>]+)>/.exec(response.headers['link'] ?? '')?.[1];
    }
  };
  const plain: number[] = [];
  const ours: number[] = [];
  for (let run = 0; run < 7; run++) {
    plain.push(await measure(readPages));
    const repository = { host: registry.host, name: 'mainapp' };
    const endpoints = { [registry.host]: `http://${registry.host}` };
    ours.push(await measure(() => listTags(createRegistry({ http, endpoints }), repository, { signal })));
  }
  report('list 100,000 tags by pages of 1,000 (bar: 1.2 × reading them)', median(ours), 1.2 * median(plain));
  await http.close({ force: true });
  await registry.close();
}
