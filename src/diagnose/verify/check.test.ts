import { describe, expect, test } from 'vitest';
import { newLifetime } from '../../base/deadline.ts';
import { MillraceError } from '../../base/error.ts';
import { type Check, fail, lookup, pass, runChecks, Unavailable, unknown } from './check.ts';

const run = (...checks: Check<object>[]) => runChecks(checks, {}, newLifetime().signal);
const check = (number: number, run: Check<object>['run'], provedBy?: number[]): Check<object> => ({
  number,
  name: `check ${number}`,
  run,
  ...(provedBy && { provedBy }),
});

describe('checks', () => {
  test('one that throws could not be made, with the words of the error', async () => {
    const items = await run(
      check(1, async () => {
        throw new MillraceError('AWS_REFUSED', 'AccessDenied: iam:GetRole');
      }),
      check(2, async () => pass('seen')),
    );
    expect(items).toEqual([
      { number: 1, name: 'check 1', verdict: 'unknown', evidence: 'AccessDenied: iam:GetRole' },
      { number: 2, name: 'check 2', verdict: 'pass', evidence: 'seen' },
    ]);
  });

  test('what could not be looked at is proved by what it would have prevented', async () => {
    const items = await run(
      check(13, async () => unknown('iam:GetRole is denied'), [14]),
      check(14, async () => pass('credentials')),
    );
    expect(items[0]).toMatchObject({
      verdict: 'pass',
      evidence: 'proved by 14 (not looked at: iam:GetRole is denied)',
    });
  });

  test('a failure is never proved away, and half a proof is none', async () => {
    const items = await run(
      check(13, async () => fail('wrong subject'), [14]),
      check(16, async () => unknown('not allowed'), [18]),
      check(14, async () => pass('credentials')),
      check(18, async () => [pass('one repository'), fail('another')]),
    );
    expect(items.map(({ verdict }) => verdict)).toEqual(['fail', 'unknown', 'pass', 'pass', 'fail']);
  });

  test('what several checks need is looked up once, and its absence has one explanation', async () => {
    let calls = 0;
    const token = lookup<string>(
      async () => {
        calls++;
        throw new Unavailable(unknown('no right to create tokens'));
      },
      (error) => (error as Unavailable).result,
    );
    expect(await token()).toEqual({ why: unknown('no right to create tokens') });
    await token();
    expect(calls).toBe(1);
  });
});
