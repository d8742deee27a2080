import type { KubeObject } from '../../../base/kube-object.ts';
import type { Cluster } from '../kinds/cluster.ts';
import { tableOf } from '../tables/table.ts';
import { type WatchEvent, watchObjects } from '../verbs/watch.ts';
import { partialObject } from './list-forms.ts';
import type { ResourceCall } from './resource-handler.ts';

/** A client that is slower than this many buffered bytes is cut off; it resumes by its resourceVersion. */
const mostBufferedBytes = 64 * 1024 * 1024;

/** Answers a watch: one JSON event a line until the request's timeout, or until the client goes. */
export function streamWatch(cluster: Cluster, call: ResourceCall): void {
  const { response, resource, target, info, form } = call;
  const namespace = resource.namespaced ? target.namespace : undefined;
  let stop = () => {};
  let firstTable = true;

  const shown = ({ type, object }: WatchEvent): WatchEvent => {
    if (type === 'ERROR' || form.as === undefined) return { type, object };
    if (form.as === 'Table') {
      const item = object as KubeObject;
      const page = { items: [item], resourceVersion: item.metadata.resourceVersion ?? '' };
      const table = tableOf(cluster, resource, type === 'BOOKMARK' ? [] : page.items, page, info.query);
      // Column definitions come with the first event only.
      if (!firstTable) table['columnDefinitions'] = null;
      firstTable = false;
      return { type, object: table };
    }
    return { type, object: partialObject(object as KubeObject) };
  };
  const begin = () => {
    if (response.headersSent) return;
    response.writeHead(200, { 'Content-Type': 'application/json', 'Cache-Control': 'no-cache, private' });
    response.flushHeaders();
  };
  const send = (event: WatchEvent) => {
    begin();
    response.write(`${JSON.stringify(shown(event))}\n`);
    if (response.writableLength > mostBufferedBytes) response.destroy();
  };
  const end = () => {
    begin();
    response.end();
  };
  response.on('close', () => stop());
  stop = watchObjects(cluster, { resource, namespace, name: target.name, query: info.query }, send, end);
  begin();
}
