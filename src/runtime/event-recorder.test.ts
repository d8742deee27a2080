import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  type KubeApiDouble,
  reply,
  type SeenRequest,
  startKubeApiDouble,
  status,
} from '../../test/support/kube-api.ts';
import type { KubeObject } from '../base/kube-object.ts';
import { silentLogger } from '../base/logger.ts';
import { type ConnectedKubeClient, createKubeClient } from '../kube/api-client.ts';
import { createEventRecorder } from './event-recorder.ts';
import { createNotifier } from './notification.ts';

const object: KubeObject = {
  apiVersion: 'source.toolkit.fluxcd.io/v1',
  kind: 'GitRepository',
  metadata: {
    name: 'fleet',
    namespace: 'flux-system',
    uid: 'u1',
    resourceVersion: '7',
    annotations: { 'event.toolkit.fluxcd.io/team': 'blue', other: 'x' },
  },
};
const coreResources = { resources: [{ name: 'events', kind: 'Event', namespaced: true, verbs: [] }] };

let api: KubeApiDouble;
let client: ConnectedKubeClient;
let writes: SeenRequest[];
let gone: boolean;

beforeEach(async () => {
  writes = [];
  gone = false;
  api = await startKubeApiDouble();
  client = createKubeClient(api.config);
  api.intercept = (request, response) => {
    if (request.path === '/api/v1') return reply(response, 200, coreResources);
    writes.push(request);
    const name = request.path.split('/')[6] ?? '';
    if (request.method === 'PATCH' && gone) {
      return reply(response, 404, { ...status(404, 'NotFound', 'not found'), details: { name } });
    }
    return reply(response, 201, request.body ?? {});
  };
});
afterEach(async () => {
  await client.close();
  await api.stop();
});

const newRecorder = (notify?: ReturnType<typeof createNotifier>) =>
  createEventRecorder({
    client,
    component: 'source-controller',
    instance: 'pod-1',
    logger: silentLogger,
    clock: { now: () => 1_700_000_000_000 },
    ...(notify === undefined ? {} : { notify }),
  });

test('writes an event on the object, counts repetitions, starts anew when the event is gone', async () => {
  const recorder = newRecorder();
  recorder.event(object, 'Normal', 'NewArtifact', "stored artifact for commit 'x' from https://u:secret@git/x");
  recorder.event(object, 'Normal', 'NewArtifact', "stored artifact for commit 'x' from https://u:secret@git/x");
  await recorder.flush();
  gone = true;
  recorder.event(object, 'Normal', 'NewArtifact', "stored artifact for commit 'x' from https://u:secret@git/x");
  await recorder.flush();
  expect(writes.map(({ method }) => method)).toEqual(['POST', 'PATCH', 'PATCH', 'POST']);
  expect(writes[0]?.path).toBe('/api/v1/namespaces/flux-system/events');
  expect(writes[0]?.body).toMatchObject({
    involvedObject: { kind: 'GitRepository', name: 'fleet', uid: 'u1', resourceVersion: '7' },
    type: 'Normal',
    reason: 'NewArtifact',
    message: "stored artifact for commit 'x' from https://***@git/x",
    source: { component: 'source-controller' },
    reportingComponent: 'source-controller',
    count: 1,
    firstTimestamp: '2023-11-14T22:13:20Z',
  });
  expect(writes[1]?.body).toMatchObject({ count: 2 });
});

test('forwards all but traces, retries 5xx and takes 429 for an answer', async () => {
  const bodies: unknown[] = [];
  const answers = [503, 200, 429];
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    bodies.push(JSON.parse(text));
    response.writeHead(answers.shift() ?? 200).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const recorder = newRecorder(
    createNotifier(async (body, signal) => (await fetch(url, { method: 'POST', body, signal })).status),
  );
  recorder.event(object, 'Trace', 'Succeeded', 'nothing new');
  recorder.event(object, 'Warning', 'GitOperationFailed', 'no', { 'source.toolkit.fluxcd.io/revision': 'main@sha1:1' });
  recorder.event(object, 'Normal', 'Succeeded', 'yes');
  await recorder.flush();
  server.close();
  expect(bodies).toHaveLength(3);
  expect(bodies[1]).toEqual({
    involvedObject: {
      kind: 'GitRepository',
      namespace: 'flux-system',
      name: 'fleet',
      uid: 'u1',
      apiVersion: 'source.toolkit.fluxcd.io/v1',
      resourceVersion: '7',
    },
    severity: 'error',
    timestamp: '2023-11-14T22:13:20Z',
    message: 'no',
    reason: 'GitOperationFailed',
    metadata: { 'event.toolkit.fluxcd.io/team': 'blue', 'source.toolkit.fluxcd.io/revision': 'main@sha1:1' },
    reportingController: 'source-controller',
    reportingInstance: 'pod-1',
  });
  expect(bodies[2]).toMatchObject({ severity: 'info', reason: 'Succeeded' });
  expect(writes).toHaveLength(3);
});
