import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { afterAll, describe, expect, test } from 'vitest';
import { withStandIns } from '../../../test/support/terraform-stand-ins.ts';
import { valueAt } from '../../base/json.ts';
import { parseConfiguration } from '../configuration.ts';
import { faultsOfInstanceValues } from '../flux-instance-values.ts';
import { terraformBlocks } from './generate.ts';
import { terraformModel } from './model.ts';

const hasTerraform = spawnSync('terraform', ['version'], { stdio: 'ignore' }).status === 0;
const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

const provider = 'oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B716D3041E';
const minimal = {
  name: 'prod',
  aws: { region: 'eu-west-1' },
  cluster: { name: 'prod' },
  ecr: { repositories: ['apps/*'] },
  git: { url: 'https://github.com/acme/fleet.git', path: './clusters/prod' },
};

/** A folder in which Terraform evaluates the configuration on stand-ins. */
function workspace(configuration: object) {
  const model = terraformModel(parseConfiguration(configuration, 'millrace.yaml'), [], []);
  const folder = mkdtempSync(join(tmpdir(), 'terraform-plan-'));
  folders.push(folder);
  const write = (value: object) => {
    const { aws } = parseConfiguration(value, 'millrace.yaml');
    const blocks = terraformBlocks(terraformModel(parseConfiguration(value, 'millrace.yaml'), [], []));
    for (const [name, text] of Object.entries(withStandIns(blocks, aws.region)))
      writeFileSync(join(folder, name), text);
  };
  write(configuration);
  const run = (args: string[], variables: Record<string, string> = {}) => {
    const env: NodeJS.ProcessEnv = { ...process.env, TF_VAR_git_password: 'hush-hush', CHECKPOINT_DISABLE: '1' };
    for (const [name, value] of Object.entries(variables)) env[`TF_VAR_${name}`] = value;
    return spawnSync('terraform', [`-chdir=${folder}`, ...args], { encoding: 'utf8', env });
  };
  const must = (args: string[], variables?: Record<string, string>) => {
    const { status, stdout, stderr } = run(args, variables);
    if (status !== 0) throw new Error(stdout + stderr);
    return stdout;
  };
  must(['init', '-input=false']);
  return {
    model,
    write,
    apply: (variables?: Record<string, string>) => void must(['apply', '-auto-approve', '-input=false'], variables),
    /** Addresses of what a plan changes, with how. */
    plan(variables?: Record<string, string>): Record<string, string> {
      must(['plan', '-input=false', '-out=plan'], variables);
      const { resource_changes: changes = [] } = JSON.parse(must(['show', '-json', 'plan']));
      const all = (changes as { name: string; change: { actions: string[] } }[]).map(({ name, change }) => [
        name,
        change.actions.join(),
      ]);
      return Object.fromEntries(all.filter(([, actions]) => actions !== 'no-op'));
    },
    refusal: (variables: Record<string, string>) => run(['plan', '-input=false', '-no-color'], variables).stderr,
    /** Arguments of every resource by its stand-in's name, and the outputs. */
    state() {
      const { values } = JSON.parse(must(['show', '-json']));
      const resources: { name: string; values: { input: Record<string, unknown> }; sensitive_values: object }[] =
        values.root_module.resources;
      return {
        text: JSON.stringify(values),
        resources: Object.fromEntries(resources.map((each) => [each.name, each.values.input])),
        sensitive: Object.fromEntries(resources.map((each) => [each.name, each.sensitive_values])),
        outputs: values.outputs as Record<string, { value: unknown }>,
      };
    },
    /** Whether the first is applied only when the second is there, directly or by others between them. */
    comesAfter(first: string, second: string): boolean {
      const edges = [
        ...must(['graph']).matchAll(/"(?:.*\.)?terraform_data\.(\w+)" -> "(?:.*\.)?terraform_data\.(\w+)"/g),
      ];
      const reached = new Set([first]);
      for (const name of reached) for (const [, from, to = ''] of edges) if (from === name) reached.add(to);
      return reached.has(second);
    },
  };
}

/** As the checklist compares: actions sorted, lists of one element unwrapped. */
function canonical(document: unknown): unknown {
  return JSON.parse(String(document), (key, value) => {
    if (!Array.isArray(value)) return value;
    const sorted = key === 'Action' ? [...value].sort() : value;
    return sorted.length === 1 && key !== 'Statement' ? sorted[0] : sorted;
  });
}

describe.skipIf(!hasTerraform)('evaluated by terraform on stand-ins (skipped where terraform is not installed)', () => {
  test('one role; trust and policy are the canonical ones; a second plan is empty; what changes, changes in place', () => {
    const space = workspace(minimal);
    space.apply();
    const { resources, outputs, text } = space.state();
    expect(Object.keys(resources).filter((name) => name.startsWith('aws_iam_role__'))).toEqual([
      'aws_iam_role__flux_ecr_read',
    ]);
    expect(canonical(resources['aws_iam_role__flux_ecr_read']?.['assume_role_policy'])).toEqual({
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Action: 'sts:AssumeRoleWithWebIdentity',
          Principal: { Federated: `arn:aws:iam::111122223333:oidc-provider/${provider}` },
          Condition: {
            StringEquals: {
              [`${provider}:aud`]: 'sts.amazonaws.com',
              [`${provider}:sub`]: 'system:serviceaccount:flux-system:image-reflector-controller',
            },
          },
        },
      ],
    });
    expect(canonical(resources['aws_iam_policy__flux_ecr_read']?.['policy'])).toEqual({
      Version: '2012-10-17',
      Statement: [
        { Sid: 'ECRAuthToken', Effect: 'Allow', Action: 'ecr:GetAuthorizationToken', Resource: '*' },
        {
          Sid: 'ECRRead',
          Effect: 'Allow',
          Action: ['ecr:BatchGetImage', 'ecr:DescribeImages', 'ecr:ListImages'],
          Resource: 'arn:aws:ecr:eu-west-1:111122223333:repository/apps/*',
        },
      ],
    });
    const values = String(valueAt(resources['helm_release__flux_instance'], 'values', '0'));
    expect(faultsOfInstanceValues(load(values))).toEqual([]);
    expect(values).toContain('arn:aws:iam::111122223333:role/prod-image-reflector');
    expect(outputs['flux_irsa_role_arn']?.value).toBe('arn:aws:iam::111122223333:role/prod-image-reflector');
    expect(text).not.toContain('hush-hush');

    expect(space.plan()).toEqual({});
    const renamed = space.plan({ name_prefix: 'other' });
    expect(renamed).toMatchObject({ helm_release__flux_instance: 'update', aws_iam_role__flux_ecr_read: 'update' });
    expect(renamed).not.toHaveProperty('kubernetes_namespace_v1__flux');
    expect(renamed).not.toHaveProperty('helm_release__flux_operator');
    const moved = space.plan({ flux_namespace: 'gitops' });
    for (const name of [
      'kubernetes_namespace_v1__flux',
      'kubernetes_secret_v1__git_auth',
      'aws_iam_role__flux_ecr_read',
    ])
      expect(moved).toHaveProperty(name, 'update');
    for (const release of ['flux_operator', 'flux_instance'])
      expect(moved).toHaveProperty(`helm_release__${release}`, 'update');
  }, 60_000);

  test('an image that is no longer used is no longer allowed', () => {
    const images = ['apps/a', 'apps/b'].map((image, index) => ({
      name: `image-${index}`,
      image,
      policy: { semver: { range: '1.x' } },
    }));
    const space = workspace({ ...minimal, ecr: {}, images });
    const allowed = () =>
      valueAt(
        canonical(space.state().resources['aws_iam_policy__flux_ecr_read']?.['policy']),
        'Statement',
        '1',
        'Resource',
      );
    space.apply();
    expect(allowed()).toEqual(['a', 'b'].map((name) => `arn:aws:ecr:eu-west-1:111122223333:repository/apps/${name}`));
    space.write({ ...minimal, ecr: {}, images: images.slice(1) });
    space.apply();
    expect(allowed()).toBe('arn:aws:ecr:eu-west-1:111122223333:repository/apps/b');
  }, 60_000);

  test('in China every ARN has its partition, and the registry its suffix; for engine millrace', () => {
    const images = [{ name: 'mainapp', image: 'apps/mainapp', policy: { semver: { range: '1.x' } } }];
    const space = workspace({ ...minimal, engine: 'millrace', aws: { region: 'cn-north-1' }, images, events: true });
    space.apply();
    const { resources, text } = space.state();
    expect(text.match(/arn:aws:/g)).toBeNull();
    const registry = '111122223333.dkr.ecr.cn-north-1.amazonaws.com.cn';
    expect(load(String(valueAt(resources['helm_release__millrace'], 'values', '0')))).toEqual({
      topology: 'single',
      image: { repository: `${registry}/millrace`, tag: '0.1.0' },
      ecr: {
        roleArn: 'arn:aws-cn:iam::111122223333:role/prod-image-reflector',
        eventsQueue: 'https://sqs.example.com/queue',
      },
    });
    expect(resources['helm_release__millrace']).toMatchObject({
      repository: `oci://${registry}/charts`,
      version: '0.1.0',
    });
    expect(JSON.stringify(resources['helm_release__delivery'])).toContain(`${registry}/apps/mainapp`);
    expect(space.plan()).toEqual({});
  }, 60_000);

  test('the bootstrap module gets what the output prints, and a secret kept in the state is marked', () => {
    const space = workspace({ ...minimal, terraform: { install: 'bootstrap', writeOnlySecrets: false } });
    space.apply();
    const { resources, outputs, sensitive } = space.state();
    const yaml = outputs['flux_instance_yaml']?.value;
    expect(valueAt(resources['module__flux_operator_bootstrap'], 'gitops_resources', 'instance_yaml')).toBe(yaml);
    const instance = load(String(yaml));
    expect(instance).toMatchObject({
      kind: 'FluxInstance',
      spec: { sync: { ref: 'refs/heads/main', pullSecret: 'git-auth' } },
    });
    expect(faultsOfInstanceValues({ instance: valueAt(instance, 'spec') })).toEqual([]);
    const holders = Object.keys(resources).filter((name) => JSON.stringify(resources[name]).includes('hush-hush'));
    expect(holders).toEqual(['kubernetes_secret_v1__git_auth']);
    expect(sensitive['kubernetes_secret_v1__git_auth']).toMatchObject({ input: { data: { password: true } } });
    expect(JSON.stringify(outputs)).not.toContain('hush-hush');
  }, 60_000);

  const delivers = {
    ...minimal,
    images: [{ name: 'mainapp', image: 'apps/mainapp', policy: { semver: { range: '1.x' } } }],
  };
  test.each([
    ['flux', ['helm_release__flux_operator', 'helm_release__flux_instance']],
    ['millrace', ['helm_release__millrace_crds', 'helm_release__millrace']],
  ])(
    'the order of engine %s: namespace, credential and role before the controllers, the objects last',
    (engine, releases) => {
      const space = workspace({ ...delivers, engine });
      const [first = '', second = ''] = releases;
      const chain: [string, string][] = [
        ['kubernetes_secret_v1__git_auth', 'kubernetes_namespace_v1__flux'],
        ['aws_iam_role_policy_attachment__flux_ecr_read', 'aws_iam_role__flux_ecr_read'],
        ['aws_iam_role_policy_attachment__flux_ecr_read', 'aws_iam_policy__flux_ecr_read'],
        [first, 'kubernetes_namespace_v1__flux'],
        [second, first],
        [second, 'aws_iam_role_policy_attachment__flux_ecr_read'],
        ['helm_release__delivery', second],
        ['helm_release__delivery', 'kubernetes_secret_v1__git_auth'],
      ];
      expect(chain.filter(([later, earlier]) => !space.comesAfter(later, earlier))).toEqual([]);
      expect(space.comesAfter('kubernetes_namespace_v1__flux', second)).toBe(false);
    },
    60_000,
  );

  test('the rules of the variables are kept by terraform itself', () => {
    const space = workspace(minimal);
    const refused: [variable: string, value: string, reason: string][] = [
      ['git_ref', 'main', 'refs/heads/main'],
      ['eks_oidc_provider', 'https://oidc.eks.eu-west-1.amazonaws.com/id/A', 'oidc-provider ARN'],
      ['aws_acc_id', '1234', 'twelve digits'],
      ['ecr_repositories', '["*"]', 'allowAll'],
      ['ecr_repositories', '["arn:aws:ecr:eu-west-1:111122223333:repository/*"]', 'allowAll'],
      ['ecr_repositories', '[]', 'Name repositories'],
      ['flux_version', '2.10', 'number'],
      ['flux_operator_version', '1', 'whole version'],
      ['name_prefix', 'a'.repeat(41), 'At most 40'],
    ];
    for (const [variable, value, reason] of refused) expect(space.refusal({ [variable]: value })).toContain(reason);
  }, 60_000);
});
