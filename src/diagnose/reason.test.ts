import { expect, test } from 'vitest';
import { MillraceError } from '../base/error.ts';
import { isOwnLack, reasonOf } from './reason.ts';

const forbidden = (resource: string, group: string, where: string) =>
  new MillraceError(
    'KUBE_FORBIDDEN',
    `${resource} is forbidden: User "jane" cannot list resource "${resource}" in API group "${group}" ${where}`,
  );

test('a refusal of RBAC is told as the permission that is missing', () => {
  expect(reasonOf(forbidden('pods', '', 'at the cluster scope'))).toBe('jane may not list pods at the cluster scope');
  expect(reasonOf(forbidden('deployments', 'apps', 'in the namespace "a"'))).toBe(
    'jane may not list deployments.apps in the namespace "a"',
  );
  expect(reasonOf(new Error('connection refused'))).toBe('connection refused');
});

test('what the reader may not do is told from what is wrong, also where another error wraps it', () => {
  const wrapped = new Error('failed configuring source manager', {
    cause: forbidden('secrets', '', 'in the namespace "a"'),
  });
  expect(isOwnLack(wrapped)).toBe(true);
  expect(isOwnLack(new MillraceError('KUBE_NOT_FOUND', 'secrets "x" not found'))).toBe(false);
});
