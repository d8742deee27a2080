import { describe, expect, test } from 'vitest';
import { settleHops, type TraceHop } from './hop.ts';

const hop = (name: TraceHop['name'], state: TraceHop['state']): TraceHop => ({ name, state, evidence: `${name} seen` });
const states = (hops: TraceHop[]) => settleHops(hops).map(({ state }) => state);

describe('hops', () => {
  test('what came after proves what came before', () => {
    const settled = settleHops([hop('pushed', 'unknown'), hop('scanned', 'waiting'), hop('chosen', 'done')]);
    expect(settled.map(({ state }) => state)).toEqual(['done', 'done', 'done']);
    expect(settled[0]?.evidence).toBe('by what came after (pushed seen)');
  });

  test('the first hop that is not done keeps its reason, the ones after it wait for it', () => {
    const settled = settleHops([hop('chosen', 'done'), hop('committed', 'stopped'), hop('fetched', 'stopped')]);
    expect(settled.map(({ state }) => state)).toEqual(['done', 'stopped', 'waiting']);
    expect(settled[2]?.evidence).toBe('for committed');
  });

  test('a tag that ran and was replaced has gone all the way', () => {
    expect(states([hop('committed', 'done'), hop('fetched', 'unknown'), hop('running', 'superseded')])).toEqual([
      'done',
      'done',
      'superseded',
    ]);
  });
});
