import { expect, test } from 'vitest';
import type { ImageUpdateAutomation } from '../../api/image-update-automation.ts';
import { afterInclude, afterPush, includesOf } from './wakes.ts';

const own = (keys: string[]) => ({
  get: () => undefined,
  list: () => [],
  by: (_index: string, value: string) =>
    keys.map((name) => ({ apiVersion: '', kind: '', metadata: { name: `${name} of ${value}`, namespace: 'ns' } })),
});

test('a push wakes the repository it went to', () => {
  const automation = (lastPushCommit?: string, namespace?: string) =>
    ({
      metadata: { name: 'a', namespace: 'ns' },
      spec: { sourceRef: { kind: 'GitRepository', name: 'fleet', namespace } },
      status: { lastPushCommit },
    }) as unknown as ImageUpdateAutomation;
  const wakes = (before: ImageUpdateAutomation | undefined, after: ImageUpdateAutomation | undefined) =>
    afterPush.wakes({ before, after }, own([]));
  expect(wakes(automation(), automation('1'))).toEqual([{ namespace: 'ns', name: 'fleet' }]);
  expect(wakes(automation('1'), automation('2', 'other'))).toEqual([{ namespace: 'other', name: 'fleet' }]);
  expect(wakes(automation('1'), automation('1'))).toEqual([]);
  expect(wakes(undefined, automation('1'))).toEqual([]);
  expect(wakes(automation('1'), undefined)).toEqual([]);
});

test('a new artifact wakes those that include it', () => {
  const repository = (revision?: string) =>
    ({
      apiVersion: '',
      kind: 'GitRepository',
      metadata: { name: 'lib', namespace: 'ns' },
      spec: { url: '', interval: '1m', timeout: '60s', include: [{ repository: { name: 'x' } }] },
      status: revision === undefined ? {} : { artifact: { revision } },
    }) as never;
  const cache = own(['app']) as never;
  expect(afterInclude.wakes({ before: repository(), after: repository('1') }, cache)).toEqual([
    { namespace: 'ns', name: 'app of ns/lib' },
  ]);
  expect(afterInclude.wakes({ before: repository('1'), after: repository('1') }, cache)).toEqual([]);
  expect(includesOf(repository())).toEqual(['ns/x']);
});
