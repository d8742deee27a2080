import { describe, expect, test } from 'vitest';
import { diagnoseReport } from './diagnose.ts';
import { readLine } from './log.ts';
import { meaningOf, placeholdersOf } from './names.ts';
import type { Facts } from './rule.ts';
import { rules } from './rules/index.ts';

const first = (symptom: string, facts: Facts = {}) => {
  const [finding] = diagnoseReport(readLine(symptom, facts) ?? { symptom, facts });
  if (finding === undefined) throw new Error('no finding');
  return finding;
};

test.each(rules)('every placeholder of $code has a meaning', ({ commands = [] }) => {
  for (const placeholder of commands.flatMap(placeholdersOf)) expect(meaningOf(placeholder), placeholder).toBeDefined();
});

describe('commands carry the names of the report', () => {
  test('from the line: caller, repository and action of a denial', () => {
    const { commands, placeholders } = first(
      'GET https://111122223333.dkr.ecr.eu-west-1.amazonaws.com/v2/zenler/mainapp/tags/list?n=1000: DENIED: User: arn:aws:sts::111122223333:assumed-role/flux-ecr/1732280000 is not authorized to perform: ecr:ListImages on resource: arn:aws:ecr:eu-west-1:111122223333:repository/zenler/mainapp because no identity-based policy allows the ecr:ListImages action',
      { iam_statements: [] },
    );
    expect(commands).toEqual([
      'millrace iam check --role flux-ecr --image 111122223333.dkr.ecr.eu-west-1.amazonaws.com/zenler/mainapp',
      expect.stringContaining(
        '"Action":["ecr:ListImages"],"Resource":["arn:aws:ecr:eu-west-1:111122223333:repository/zenler/mainapp"]',
      ),
    ]);
    expect(placeholders).toEqual({});
  });

  test('from the facts; what nobody has said stays, with its meaning', () => {
    const { commands, placeholders } = first('no EC2 IMDS role found', {
      sa_role_arn_annotation: null,
      controller_sa: 'flux-system/image-reflector-controller',
    });
    expect(commands).toEqual([
      'kubectl -n flux-system annotate serviceaccount image-reflector-controller eks.amazonaws.com/role-arn=$ROLE_ARN',
      'kubectl -n flux-system rollout restart deployment image-reflector-controller',
    ]);
    expect(Object.keys(placeholders)).toEqual(['ROLE_ARN']);
  });

  test('from the fields of a JSON log line', () => {
    const line = {
      level: 'error',
      controllerKind: 'GitRepository',
      GitRepository: { name: 'fleet', namespace: 'apps' },
      error: 'failed to get secret \'apps/bitbucket\': secrets "bitbucket" not found',
    };
    expect(first(`2026-11-23T10:00:00Z ${JSON.stringify(line)}`).commands).toEqual([
      'kubectl -n apps describe secret bitbucket',
    ]);
  });

  test('the role of a node is never taken for the role that the controller is to have', () => {
    const { commands } = first(
      'User: arn:aws:sts::111122223333:assumed-role/nodes/i-0abc123def4567890 is not authorized to perform: ecr:ListImages',
      { sa_role_arn_annotation: null },
    );
    expect(commands.join()).not.toContain('role/nodes');
  });

  test('nothing from a line is executed, and no password is repeated', () => {
    const { commands } = first('namespaces "x;reboot" not found');
    expect(commands).toEqual(['kubectl create namespace $MISSING_NS']);
    const { commands: git } = first(
      "unable to clone 'https://me:hunter2@git.example.com/a/fleet.git': authentication required",
    );
    expect(git[0]).toBe('git ls-remote https://git.example.com/a/fleet.git');
  });
});

test('a trust policy that does not fit is shown as a diff', () => {
  const { diff } = first('Not authorized to perform sts:AssumeRoleWithWebIdentity', {
    oidc_issuer: 'https://oidc.eks.eu-west-1.amazonaws.com/id/A',
    token_sub: 'system:serviceaccount:flux-system:image-reflector-controller',
    trust_policy: {
      operator: 'StringEquals',
      condition_key: 'oidc.eks.eu-west-1.amazonaws.com/id/A:sub',
      sub: 'system:serviceaccount:flux:image-reflector-controller',
    },
  });
  expect(diff).toBe(
    [
      '--- trust policy',
      '+++ trust policy',
      '-  "StringEquals": {"oidc.eks.eu-west-1.amazonaws.com/id/A:sub": "system:serviceaccount:flux:image-reflector-controller"}',
      '+  "StringEquals": {"oidc.eks.eu-west-1.amazonaws.com/id/A:sub": "system:serviceaccount:flux-system:image-reflector-controller"}',
    ].join('\n'),
  );
});
