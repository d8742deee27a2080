import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deepEqual, isRecord, valueAt } from '../../src/base/json.ts';
import { type SandboxKubernetes, startKubernetes } from '../../src/sandbox/kubernetes/kubernetes.ts';
import type { CaseResult, Suite } from './suite.ts';

interface Step {
  method?: string;
  path?: string;
  watch?: string;
  body?: unknown;
  contentType?: string;
  accept?: string;
  headers?: Record<string, string>;
  save?: Record<string, string>;
  mode?: string;
  ops?: Step[];
}

interface Scenario {
  id: string;
  area: string;
  steps: Step[];
  expect: unknown[];
}

interface Answer {
  code: number;
  body: unknown;
}

/** Every step of every recorded scenario against the embedded API, each scenario on a server of its own namespaces. */
export const kubeApi: Suite = {
  file: 'kube-api.json',
  bar: 1,
  run: async (data) => {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-kube-'));
    const server = await startKubernetes({ dataDir: folder, controllers: false });
    const client = new Client(server);
    try {
      const results: CaseResult[] = [];
      for (const scenario of data as Scenario[]) results.push(...(await runScenario(scenario, client)));
      return results;
    } finally {
      client.close();
      await server.close();
      await rm(folder, { recursive: true, force: true });
    }
  },
};

async function runScenario({ id, area, steps, expect }: Scenario, client: Client): Promise<CaseResult[]> {
  const saved: Record<string, string> = {};
  const results: CaseResult[] = [];
  await earlyInSecond();
  for (const [index, step] of steps.entries()) {
    const want = expect[index];
    const got = await runStep(step, saved, client).catch((error: unknown) => ({ thrown: String(error) }));
    const passed = deepEqual(want, got);
    const detail = `${step.method ?? 'WATCH'} ${step.path ?? step.watch}\nwant ${JSON.stringify(want)}\ngot  ${JSON.stringify(got)}`;
    results.push({ id: `${id}#${index}`, area, passed, detail: passed ? undefined : detail });
  }
  return results;
}

/** Resolves in the first half of a second: entries of managed fields are in the order of the second they were written in. */
async function earlyInSecond(): Promise<void> {
  const elapsed = Date.now() % 1000;
  if (elapsed > 500) await new Promise((wake) => setTimeout(wake, 1000 - elapsed));
}

async function runStep(step: Step, saved: Record<string, string>, client: Client): Promise<unknown> {
  if (step.watch !== undefined) return runWatch(step, saved, client);
  if (step.mode === 'wait-established' || step.mode === 'eventually-200') return poll(step, saved, client);
  const answer = await client.send(filled(step, saved));
  remember(step, answer, saved);
  return viewOf(answer, step.mode ?? 'full');
}

function filled(step: Step, saved: Record<string, string>): Step {
  const text = JSON.stringify(step).replaceAll(/\$\{(\w+)\}/g, (whole, name: string) => saved[name] ?? whole);
  return JSON.parse(text);
}

function remember(step: Step, { body }: Answer, saved: Record<string, string>): void {
  if (step.method === 'POST' && step.path === '/api/v1/namespaces')
    saved['nsrv'] = String(valueAt(body, 'metadata', 'resourceVersion'));
  for (const [name, path] of Object.entries(step.save ?? {})) saved[name] = String(valueAt(body, ...path.split('.')));
}

async function poll(step: Step, saved: Record<string, string>, client: Client): Promise<unknown> {
  for (let attempt = 0; attempt < 25; attempt++) {
    const answer = await client.send(filled(step, saved));
    const conditions = valueAt(answer.body, 'status', 'conditions');
    const isEstablished =
      Array.isArray(conditions) &&
      conditions.some((entry) => isRecord(entry) && entry['type'] === 'Established' && entry['status'] === 'True');
    if (answer.code === 200 && (step.mode !== 'wait-established' || isEstablished)) return { code: 200 };
    await new Promise((wake) => setTimeout(wake, 200));
  }
  return { code: 0 };
}

async function runWatch(step: Step, saved: Record<string, string>, client: Client): Promise<unknown> {
  const { watch = '' } = filled(step, saved);
  const stream = client.watch(`${watch}&timeoutSeconds=3`);
  await new Promise((wake) => setTimeout(wake, 500));
  for (const operation of step.ops ?? []) {
    await client.send(filled(operation, saved));
    await new Promise((wake) => setTimeout(wake, 50));
  }
  const { code, events } = await stream;
  const shown = events.flatMap((event) => {
    const [type, object] = [valueAt(event, 'type'), valueAt(event, 'object')];
    if (type === 'ERROR') return [['ERROR', valueAt(object, 'code'), valueAt(object, 'reason')]];
    if (type !== 'BOOKMARK') return [[type, valueAt(object, 'metadata', 'name')]];
    return valueAt(object, 'metadata', 'annotations', 'k8s.io/initial-events-end') === 'true'
      ? [['BOOKMARK', 'initial-events-end']]
      : [];
  });
  return { code, events: shown };
}

/** The view of an answer that a mode compares. */
function viewOf(answer: Answer, mode: string): unknown {
  const { code } = answer;
  const body = clean(answer.body);
  const reason = code >= 400 && isRecord(body) ? { reason: valueAt(body, 'reason') ?? null } : {};
  const meta = valueAt(body, 'metadata');
  const items = valueAt(body, 'items');
  const names = Array.isArray(items) ? items.map((item) => valueAt(item, 'metadata', 'name')).sort() : [];
  switch (mode) {
    case 'status':
    case 'code':
      return { code, ...reason };
    case 'names':
    case 'page':
      return code >= 400 ? { code, ...reason } : { code, names };
    case 'spec':
      return { code, spec: valueAt(body, 'spec'), managers: managersOf(body) };
    case 'spec0':
      return { code, spec: valueAt(body, 'spec') };
    case 'svc':
      return { code, spec: withoutAddress(valueAt(body, 'spec')) };
    case 'gen':
      return { code, generation: valueAt(meta, 'generation') };
    case 'deleting':
      return {
        code,
        deleting: valueAt(answer.body, 'metadata', 'deletionTimestamp') !== undefined,
        finalizers: valueAt(meta, 'finalizers') ?? null,
      };
    case 'keys':
      return { code, keys: Object.keys(isRecord(answer.body) ? answer.body : {}).sort() };
    case 'table':
      return tableView(code, body);
    case 'discovery':
      return discoveryView(code, body);
    default:
      if (code < 400) return { code, body };
      return { code, ...reason, message: valueAt(body, 'message'), details: valueAt(body, 'details') ?? null };
  }
}

function managersOf(body: unknown): unknown {
  const entries = valueAt(body, 'metadata', 'managedFields');
  const pairs = (Array.isArray(entries) ? entries : []).map((entry) => [
    valueAt(entry, 'manager'),
    valueAt(entry, 'operation'),
  ]);
  return pairs.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

function withoutAddress(spec: unknown): unknown {
  if (!isRecord(spec)) return spec;
  const dropped = ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy', 'internalTrafficPolicy'];
  return Object.fromEntries(Object.entries(spec).filter(([key]) => !dropped.includes(key)));
}

function tableView(code: number, body: unknown): unknown {
  const definitions = valueAt(body, 'columnDefinitions');
  const columns = (Array.isArray(definitions) ? definitions : []).map((definition) => valueAt(definition, 'name'));
  const age = columns.indexOf('Age');
  const rows = valueAt(body, 'rows');
  const cells = (Array.isArray(rows) ? rows : []).map((row) => {
    const list = valueAt(row, 'cells');
    return Array.isArray(list) ? list.map((cell, index) => (index === age ? 'AGE' : cell)) : list;
  });
  return { code, kind: valueAt(body, 'kind'), columns, rows: cells };
}

const discovered = [
  'configmaps',
  'daemonsets',
  'deployments',
  'deployments/status',
  'events',
  'namespaces',
  'namespaces/status',
  'pods',
  'secrets',
  'serviceaccounts',
  'serviceaccounts/token',
  'services',
  'statefulsets',
];

function discoveryView(code: number, body: unknown): unknown {
  const list = valueAt(body, 'resources');
  const resources: Record<string, unknown> = {};
  for (const resource of Array.isArray(list) ? list : []) {
    const name = String(valueAt(resource, 'name'));
    if (!discovered.includes(name)) continue;
    const verbs = valueAt(resource, 'verbs');
    resources[name] = {
      kind: valueAt(resource, 'kind'),
      namespaced: valueAt(resource, 'namespaced'),
      singularName: valueAt(resource, 'singularName'),
      shortNames: valueAt(resource, 'shortNames') ?? null,
      verbs: Array.isArray(verbs) ? [...verbs].sort() : verbs,
    };
  }
  return { code, resources };
}

const dropped = new Set(['uid', 'resourceVersion', 'creationTimestamp', 'deletionTimestamp', 'time', 'selfLink']);

/** Drops what differs from server to server (conformance README). */
function clean(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(clean);
  if (typeof value === 'string') {
    return value
      .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, 'UID')
      .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, 'TIME');
  }
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, child]) => (dropped.has(key) ? [] : [[key, clean(child)]])),
  );
}

/** A plain HTTPS client, so that nothing of ours stands between the recorded requests and the server. */
class Client {
  readonly #server: SandboxKubernetes;
  readonly #agent: Agent;

  constructor(server: SandboxKubernetes) {
    this.#server = server;
    this.#agent = new Agent({ ca: server.caPem, keepAlive: true });
  }

  async send(step: Step): Promise<Answer> {
    const { code, text } = await this.#request(step.method ?? 'GET', step.path ?? '/', step);
    return { code, body: text.startsWith('{') ? JSON.parse(text) : text };
  }

  async watch(path: string): Promise<{ code: number; events: unknown[] }> {
    const { code, text } = await this.#request('GET', path, {});
    return {
      code,
      events: text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line)),
    };
  }

  close(): void {
    this.#agent.destroy();
  }

  #request(
    method: string,
    path: string,
    { body, contentType, accept, headers }: Step,
  ): Promise<{ code: number; text: string }> {
    const payload = body === undefined ? undefined : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const request = httpsRequest(
        `${this.#server.url}${path}`,
        {
          method,
          agent: this.#agent,
          headers: {
            authorization: `Bearer ${this.#server.adminToken}`,
            'user-agent': 'conformance/1.0',
            accept: accept ?? 'application/json',
            ...(payload === undefined
              ? {}
              : { 'content-type': contentType ?? 'application/json', 'content-length': Buffer.byteLength(payload) }),
            ...headers,
          },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('end', () =>
            resolve({ code: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
          );
          response.on('error', reject);
        },
      );
      request.on('error', reject);
      request.end(payload);
    });
  }
}
