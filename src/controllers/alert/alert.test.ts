import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type EmbeddedCluster, openEmbeddedCluster } from '../../../test/support/embedded-cluster.ts';
import type { KubeObject } from '../../base/kube-object.ts';
import type { Logger } from '../../base/logger.ts';
import { createHttpClient, type HttpClient } from '../../http/http-client.ts';
import type { Notification } from '../../runtime/notification.ts';
import { type AlertDispatcher, createAlertDispatcher } from './dispatcher.ts';

const apiVersion = 'notification.toolkit.fluxcd.io/v1beta3';
interface Received {
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

let cluster: EmbeddedCluster;
let server: Server;
let url: string;
let received: Received[];
/** What the server answers next; 200 when there is nothing more. */
let answers: { status: number; body?: string }[];
let http: HttpClient;
let logged: string[];
let outcomes: string[];
let dispatcher: AlertDispatcher;

beforeAll(async () => {
  http = createHttpClient();
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () => {
      received.push({ path: request.url ?? '', headers: request.headers, body });
      const answer = answers.shift() ?? { status: 200 };
      response.writeHead(answer.status).end(answer.body ?? '');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  await http.close({ force: true });
  server.closeAllConnections();
  server.close();
});

beforeEach(async () => {
  cluster = await openEmbeddedCluster();
  [received, answers, logged, outcomes] = [[], [], [], []];
  dispatcher = open();
});
afterEach(() => dispatcher.close());

function open(noCrossNamespaceRefs = false): AlertDispatcher {
  const log = (message: string) => void logged.push(message);
  const logger = { debug: log, info: log, warn: log, error: log } as unknown as Logger;
  const onMessage = (outcome: string) => void outcomes.push(outcome);
  const { client, namespace } = cluster;
  return createAlertDispatcher({ client, http, logger, namespace, noCrossNamespaceRefs, onMessage });
}

const put = (object: Record<string, unknown>, name: string) =>
  cluster.client.apply(
    { ...object, metadata: { name, namespace: cluster.namespace, ...(object['metadata'] ?? {}) } } as KubeObject,
    {
      fieldManager: 'user',
      signal: new AbortController().signal,
    },
  );
const putProvider = (spec: Record<string, unknown>, name = 'out') => put({ apiVersion, kind: 'Provider', spec }, name);
const putAlert = (spec: Record<string, unknown>, name = 'all') =>
  put(
    {
      apiVersion,
      kind: 'Alert',
      spec: { providerRef: { name: 'out' }, eventSources: [{ kind: 'Kustomization', name: '*' }], ...spec },
    },
    name,
  );
const putSecret = (stringData: Record<string, string>) => put({ apiVersion: 'v1', kind: 'Secret', stringData }, 'out');

function event(facts: Partial<Notification> = {}, object: Record<string, string> = {}): Notification {
  return {
    involvedObject: {
      apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
      kind: 'Kustomization',
      namespace: cluster.namespace,
      name: 'apps',
      uid: 'u',
      ...object,
    },
    severity: 'info',
    timestamp: '2026-01-01T00:00:00Z',
    message: 'Reconciliation finished',
    reason: 'ReconciliationSucceeded',
    reportingController: 'kustomize-controller',
    reportingInstance: 'pod',
    ...facts,
  };
}

async function tell(...events: Notification[]): Promise<void> {
  for (const one of events) await dispatcher.notify(one);
  await dispatcher.flush();
}

test('generic: the event in the form of Flux, with what the Alert adds, and the headers of the Secret', async () => {
  await putSecret({ token: 'let-me-in', headers: 'X-Team: web\n' });
  await putProvider({ type: 'generic', address: `${url}/hook`, secretRef: { name: 'out' } });
  await putAlert({ eventMetadata: { cluster: 'prod' }, summary: 'the shop' });
  const metadata = { 'kustomize.toolkit.fluxcd.io/revision': 'main@sha1:abc', 'event.toolkit.fluxcd.io/app': 'shop' };
  await tell(event({ metadata }));
  const [message] = received;
  expect(message).toMatchObject({
    path: '/hook',
    headers: { 'gotk-component': 'kustomize-controller', authorization: 'Bearer let-me-in', 'x-team': 'web' },
  });
  expect(JSON.parse(message?.body ?? '')).toEqual({
    ...event(),
    metadata: { revision: 'main@sha1:abc', app: 'shop', cluster: 'prod', summary: 'the shop' },
  });
  expect(outcomes).toEqual(['sent']);
});

test('generic-hmac: the body is signed', async () => {
  await putSecret({ token: 'key', address: `${url}/signed` });
  await putProvider({ type: 'generic-hmac', secretRef: { name: 'out' } });
  await putAlert({});
  await tell(event());
  const [message] = received;
  const signature = createHmac('sha256', 'key')
    .update(message?.body ?? '')
    .digest('hex');
  expect(message).toMatchObject({ path: '/signed', headers: { 'x-signature': `sha256=${signature}` } });
});

test('slack: an attachment; discord gets it where it takes it', async () => {
  await putProvider({ type: 'slack', address: `${url}/T0/B0`, channel: 'deliveries', username: 'millrace' });
  await putProvider({ type: 'discord', address: `${url}/api/webhooks/1/x` }, 'discord');
  await putAlert({ eventMetadata: { cluster: 'prod' } });
  await putAlert({ providerRef: { name: 'discord' } }, 'second');
  await tell(event({ severity: 'error', message: 'Build failed' }));
  expect(received.map(({ path }) => path).sort()).toEqual(['/T0/B0', '/api/webhooks/1/x/slack']);
  const slack = received.find(({ path }) => path === '/T0/B0');
  expect(JSON.parse(slack?.body ?? '')).toEqual({
    channel: 'deliveries',
    username: 'millrace',
    attachments: [
      {
        color: 'danger',
        author_name: `kustomization/apps.${cluster.namespace}`,
        text: 'Build failed',
        mrkdwn_in: ['text'],
        fields: [{ title: 'cluster', value: 'prod', short: false }],
      },
    ],
  });
});

test.each([
  ['the kind is another', {}, {}, { kind: 'GitRepository' }],
  ['the name is another', { eventSources: [{ kind: 'Kustomization', name: 'infra' }] }, {}, {}],
  ['the namespace is another', {}, {}, { namespace: 'elsewhere' }],
  ['only errors are wanted', { eventSeverity: 'error' }, {}, {}],
  ['it is excluded', { exclusionList: ['^Reconciliation .*ed$'] }, {}, {}],
  ['it is not included', { inclusionList: ['^delivered '] }, {}, {}],
  ['the Alert is suspended', { suspend: true }, {}, {}],
  ['it is for the status of a commit', {}, { metadata: { 'kustomize.toolkit.fluxcd.io/commit_status': 'update' } }, {}],
  ['the labels are others', { eventSources: [{ kind: 'Kustomization', name: '*', matchLabels: { a: 'b' } }] }, {}, {}],
])('nothing is sent where %s', async (_what, spec, facts, object) => {
  await putProvider({ type: 'generic', address: url });
  await putAlert(spec);
  await tell(event(facts, object));
  expect(received).toEqual([]);
  expect(logged).toEqual([]);
});

test('labels of the object decide where an Alert selects by them', async () => {
  const kustomization = {
    apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
    kind: 'Kustomization',
    metadata: { labels: { team: 'web' } },
    spec: { interval: '1m', prune: true, sourceRef: { kind: 'GitRepository', name: 'x' } },
  };
  await put(kustomization, 'apps');
  await putProvider({ type: 'generic', address: url });
  await putAlert({ eventSources: [{ kind: 'Kustomization', name: '*', matchLabels: { team: 'web' } }] });
  await tell(event());
  expect(received).toHaveLength(1);
});

test('another namespace may be named, unless that is forbidden', async () => {
  await putProvider({ type: 'generic', address: url });
  await putAlert({ eventSources: [{ kind: 'Kustomization', name: '*', namespace: 'elsewhere' }] });
  const there = event({}, { namespace: 'elsewhere' });
  await tell(there);
  expect(received).toHaveLength(1);
  dispatcher.close();
  dispatcher = open(true);
  await tell(there);
  expect(received).toHaveLength(1);
});

test('a repeated event is told once, one about another revision again', async () => {
  await putProvider({ type: 'generic', address: url });
  await putAlert({});
  const at = (revision: string) => event({ metadata: { 'kustomize.toolkit.fluxcd.io/revision': revision } });
  await tell(at('1'), at('1'), at('2'));
  expect(received).toHaveLength(2);
});

test('5xx is tried again, a refusal is not; neither names the address', async () => {
  await putProvider({ type: 'slack', address: `${url}/services/T0/SECRET` });
  await putAlert({});
  answers = [{ status: 503 }, { status: 200 }];
  await tell(event());
  expect(received).toHaveLength(2);
  answers = [{ status: 404 }];
  await tell(event({ message: 'two' }));
  expect(received).toHaveLength(3);
  expect(outcomes).toEqual(['sent', 'failed']);
  expect(logged.join('\n')).toContain('the endpoint answered 404');
  expect(logged.join('\n')).not.toContain('SECRET');
});

test('what cannot be sent is said, and an unsupported type is no fault', async () => {
  await putAlert({});
  await tell(event());
  await putProvider({ type: 'generic' });
  await tell(event({ message: 'two' }));
  await putProvider({ type: 'msteams', address: url });
  await tell(event({ message: 'three' }));
  expect(received).toEqual([]);
  expect(outcomes).toEqual(['failed', 'failed']);
  expect(logged).toEqual([
    expect.stringContaining('there is no such Provider'),
    expect.stringContaining('there is no address'),
    expect.stringContaining('is of type msteams'),
  ]);
});
