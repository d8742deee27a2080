import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, fetch } from 'undici';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type SandboxKubernetes, startKubernetes } from './kubernetes.ts';

let dir: string;
let server: SandboxKubernetes;
let dispatcher: Agent;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'millrace-requests-'));
  server = await startKubernetes({ dataDir: dir, controllers: false });
  dispatcher = new Agent({ connect: { ca: server.caPem } });
  for (const name of ['a', 'b', 'c']) expect((await send('POST', configMaps, configMap(name))).code).toBe(201);
});
afterAll(async () => {
  await dispatcher.destroy();
  await server.close();
  rmSync(dir, { recursive: true, force: true });
});

const configMaps = '/api/v1/namespaces/default/configmaps';
const configMap = (name: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels: { at: name } } });
const merge = 'application/merge-patch+json';
const jsonPatch = 'application/json-patch+json';

/** Sends a body as it stands where it is a text. */
async function send(method: string, path: string, body?: unknown, type = 'application/json') {
  const response = await fetch(server.url + path, {
    method,
    dispatcher,
    headers: { authorization: `Bearer ${server.adminToken}`, 'content-type': type },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  // biome-ignore lint/suspicious/noExplicitAny: answers of any kind, looked into by the tests
  return { code: response.status, body: (await response.json()) as any };
}

async function refusal(...request: Parameters<typeof send>): Promise<[code: number, message: string]> {
  const { code, body } = await send(...request);
  return [code, body.message];
}

describe('bodies that cannot be read', () => {
  test.each([
    ['{bad', `invalid character 'b' looking for beginning of object key string ({bad)`],
    ['{"a":1,}', `invalid character '}' looking for beginning of object key string ({"a":1,})`],
    ['{"a" 1}', `invalid character '1' after object key ({"a" 1})`],
    ['{"a":tru}', `invalid character '}' in literal true (expecting 'e') ({"a":tru})`],
    ['{"a":[1 2]}', `invalid character '2' after array element ({"a":[1 2]})`],
    ['{"a":"', 'unexpected end of JSON input ({"a":")'],
    ['', 'unexpected end of JSON input (<empty>)'],
  ])('%s', async (text, why) => {
    const type = `the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind`;
    expect(await refusal('POST', configMaps, text)).toEqual([400, `${type}; json parse error: ${why}`]);
  });
  test('another kind, an unknown kind, another type of content', async () => {
    expect(await refusal('POST', configMaps, { ...configMap('x'), kind: 'Secret' })).toEqual([
      400,
      'Secret in version "v1" cannot be handled as a ConfigMap: converting (v1.Secret) to (core.ConfigMap): unknown conversion',
    ]);
    expect((await refusal('POST', configMaps, { ...configMap('x'), kind: 'Nothing' }))[1]).toContain(
      'no kind "Nothing" is registered for version "v1"',
    );
    expect((await refusal('POST', configMaps, '{}', 'text/plain'))[0]).toBe(415);
  });
  test('strict validation names keys that stand twice', async () => {
    const text = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"data":{"k":"1","k":"2"}}';
    expect(await refusal('POST', `${configMaps}?fieldValidation=Strict&dryRun=All`, text)).toEqual([
      400,
      'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: duplicate field "data.k"',
    ]);
  });
});

describe('patches', () => {
  test('of the wrong form', async () => {
    expect(await refusal('PATCH', `${configMaps}/a`, '{bad', merge)).toEqual([
      400,
      `error decoding patch: invalid character 'b' looking for beginning of object key string`,
    ]);
    expect((await refusal('PATCH', `${configMaps}/a`, { op: 'add' }, jsonPatch))[0]).toBe(400);
  });
  test('that a strict request refuses are invalid, not bad', async () => {
    const [code, message] = await refusal('PATCH', `${configMaps}/a?fieldValidation=Strict`, { datum: {} }, merge);
    expect(code).toBe(422);
    expect(message).toMatch(
      /^ "" is invalid: patch: Invalid value: ".*": strict decoding error: unknown field "datum"$/,
    );
  });
  test('never move an object', async () => {
    for (const [field, value] of Object.entries({ name: 'other', uid: 'other' })) {
      const [code, message] = await refusal('PATCH', `${configMaps}/a`, { metadata: { [field]: value } }, merge);
      expect([code, message]).toEqual([
        422,
        expect.stringContaining(`metadata.${field}: Invalid value: "other": field is immutable`),
      ]);
    }
  });
});

describe('options', () => {
  test.each([
    [
      'POST',
      '?dryRun=some',
      'CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["some"]: supported values: "All"',
    ],
    [
      'POST',
      `?fieldManager=${'m'.repeat(129)}`,
      'CreateOptions.meta.k8s.io "" is invalid: fieldManager: Too long: may not be more than 128 bytes',
    ],
    [
      'PATCH',
      '/a?force=true',
      'PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch',
    ],
  ])('%s %s', async (method, rest, message) => {
    expect(await refusal(method, configMaps + rest, configMap('x'), method === 'PATCH' ? merge : undefined)).toEqual([
      422,
      message,
    ]);
  });
});

describe('lists', () => {
  const names = (body: { items: { metadata: { name: string } }[] }) => body.items.map(({ metadata }) => metadata.name);

  test('pages show one snapshot, whatever changes between them', async () => {
    const first = (await send('GET', `${configMaps}?limit=1`)).body;
    await send('DELETE', `${configMaps}/b`);
    await send('POST', configMaps, configMap('bb'));
    const rest = (await send('GET', `${configMaps}?continue=${first.metadata.continue}`)).body;
    expect([...names(first), ...names(rest)]).toEqual(['a', 'b', 'c']);
    expect(rest.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
    expect(names((await send('GET', configMaps)).body)).toEqual(['a', 'bb', 'c']);
  });
  test('a token whose snapshot is forgotten is answered with one that goes on without', async () => {
    const first = (await send('GET', `${configMaps}?limit=1`)).body;
    await send('POST', configMaps, configMap('d'));
    server.compact();
    const gone = await send('GET', `${configMaps}?continue=${first.metadata.continue}`);
    expect([gone.code, gone.body.reason]).toEqual([410, 'Expired']);
    expect(names((await send('GET', `${configMaps}?continue=${gone.body.metadata.continue}`)).body)).toEqual([
      'bb',
      'c',
      'd',
    ]);
  });
  test.each([
    ['limit=abc', 'strconv.ParseInt: parsing "abc": invalid syntax'],
    [
      'resourceVersion=abc',
      'invalid resource version: resourceVersion: Invalid value: "abc": strconv.ParseUint: parsing "abc": invalid syntax',
    ],
    ['continue=!', 'invalid continue token: continue key is not valid: illegal base64 data at input byte 0'],
    ['labelSelector=a%20in%20(', `unable to parse requirement: found '', expected: ',', ')' or identifier`],
    ['labelSelector=a%20b', `unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt`],
    ['labelSelector=a,,b', `found ',', expected: identifier after ','`],
    ['fieldSelector=spec.x=1', '"spec.x" is not a known field selector: only "metadata.name", "metadata.namespace"'],
  ])('?%s', async (query, message) => {
    expect(await refusal('GET', `${configMaps}?${query}`)).toEqual([400, message]);
  });
  test.each([
    ['at in (a,c)', ['a', 'c']],
    ['at notin (a),at', ['bb', 'c', 'd']],
    ['!at', []],
    ['at=a', ['a']],
    ['at!=a,at!=c', ['bb', 'd']],
  ])('%s', async (selector, wanted) => {
    expect(names((await send('GET', `${configMaps}?labelSelector=${encodeURIComponent(selector)}`)).body)).toEqual(
      wanted,
    );
  });
});
