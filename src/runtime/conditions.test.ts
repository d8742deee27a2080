import { expect, test } from 'vitest';
import type { Condition } from '../base/kube-object.ts';
import {
  type Conditioned,
  getCondition,
  isReady,
  markReconciling,
  markStalled,
  removeConditions,
  setCondition,
} from './conditions.ts';
import { type SummaryRules, summariseReady } from './summary.ts';

const newObject = (conditions: Partial<Condition>[] = []): Conditioned => ({
  apiVersion: 'source.toolkit.fluxcd.io/v1',
  kind: 'GitRepository',
  metadata: { name: 'fleet', namespace: 'flux-system', generation: 3 },
  status: { conditions: conditions as Condition[] },
});
const at = (ms: number) => ({ now: () => ms });

test('the transition time moves with the status alone', () => {
  const object = newObject();
  setCondition(object, { type: 'Ready', status: 'True', reason: 'Succeeded', message: 'a' }, at(0));
  setCondition(object, { type: 'Ready', status: 'True', reason: 'Succeeded', message: 'b' }, at(5000));
  expect(getCondition(object, 'Ready')).toEqual({
    type: 'Ready',
    status: 'True',
    reason: 'Succeeded',
    message: 'b',
    lastTransitionTime: '1970-01-01T00:00:00Z',
    observedGeneration: 3,
  });
  setCondition(object, { type: 'Ready', status: 'False', reason: 'Failed', message: 'c' }, at(5000));
  expect(getCondition(object, 'Ready')?.lastTransitionTime).toBe('1970-01-01T00:00:05Z');
});

test('a message is cut where the API would refuse it', () => {
  const object = newObject();
  setCondition(object, { type: 'Ready', status: 'True', reason: 'Succeeded', message: 'x'.repeat(40_000) });
  expect(getCondition(object, 'Ready')?.message).toHaveLength(32_768);
});

test('reconciling and stalled exclude each other, and lead the list', () => {
  const object = newObject([
    { type: 'FetchFailed', status: 'True' },
    { type: 'Ready', status: 'False' },
  ]);
  markStalled(object, 'URLInvalid', 'no');
  markReconciling(object, 'Progressing', 'yes');
  expect(object.status?.conditions?.map(({ type }) => type)).toEqual(['Reconciling', 'Ready', 'FetchFailed']);
  markStalled(object, 'URLInvalid', 'no');
  expect(object.status?.conditions?.map(({ type }) => type)).toEqual(['Stalled', 'Ready', 'FetchFailed']);
  removeConditions(object, 'Stalled', 'FetchFailed');
  expect(object.status?.conditions?.map(({ type }) => type)).toEqual(['Ready']);
});

test('ready is of the present generation', () => {
  expect(isReady(newObject([{ type: 'Ready', status: 'True', observedGeneration: 3 }]))).toBe(true);
  expect(isReady(newObject([{ type: 'Ready', status: 'True', observedGeneration: 2 }]))).toBe(false);
  expect(isReady(newObject())).toBe(false);
});

const rules: SummaryRules = {
  order: [
    'StorageOperationFailed',
    'FetchFailed',
    'ArtifactOutdated',
    'ArtifactInStorage',
    'SourceVerified',
    'Stalled',
    'Reconciling',
  ],
  abnormalTrue: ['StorageOperationFailed', 'FetchFailed', 'ArtifactOutdated', 'Stalled', 'Reconciling'],
  overriding: ['SourceVerified'],
};
const stored = { type: 'ArtifactInStorage', status: 'True', reason: 'Succeeded', message: 'stored' } as const;
const outdated = { type: 'ArtifactOutdated', status: 'True', reason: 'NewRevision', message: 'newer' } as const;
const unfetched = { type: 'FetchFailed', status: 'True', reason: 'AuthenticationFailed', message: 'denied' } as const;
const unverified = { type: 'SourceVerified', status: 'False', reason: 'InvalidSignature', message: 'forged' } as const;
const verified = { type: 'SourceVerified', status: 'True', reason: 'Succeeded', message: 'signed' } as const;
const unknown = { type: 'SourceVerified', status: 'Unknown', reason: 'Pending', message: 'asking' } as const;

const cases = [
  { name: 'True by the first good one', conditions: [verified, stored], want: ['True', 'Succeeded', 'stored'] },
  {
    name: 'False by the first bad one in order',
    conditions: [outdated, unfetched, stored],
    want: ['False', 'AuthenticationFailed', 'denied'],
  },
  {
    name: 'False by verification before all else',
    conditions: [unfetched, unverified],
    want: ['False', 'InvalidSignature', 'forged'],
  },
  { name: 'Unknown before True', conditions: [stored, unknown], want: ['Unknown', 'Pending', 'asking'] },
];
for (const { name, conditions, want } of cases) {
  test(`Ready is ${name}`, () => {
    const object = newObject([...conditions]);
    summariseReady(object, rules);
    const { status, reason, message } = getCondition(object, 'Ready') ?? {};
    expect([status, reason, message]).toEqual(want);
  });
}
