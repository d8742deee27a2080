import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { load, loadAll } from 'js-yaml';
import { afterAll, describe, expect, test } from 'vitest';
import { isRecord } from '../../base/json.ts';
import { parseConfiguration } from '../configuration.ts';
import { faultsOfInstanceValues } from '../flux-instance-values.ts';
import { instanceValues } from './flux.ts';
import { generateTerraform } from './generate.ts';
import { Expression } from './hcl.ts';
import { millraceValues } from './millrace.ts';
import { terraformModel } from './model.ts';

const host = '111122223333.dkr.ecr.eu-west-1.amazonaws.com';
const minimal = {
  name: 'prod',
  aws: { account: '111122223333', region: 'eu-west-1' },
  cluster: { name: 'prod' },
  ecr: { repositories: ['apps/*'] },
  git: { url: 'https://bitbucket.org/acme/fleet.git', path: './clusters/prod' },
};
const everything = {
  ...minimal,
  ecr: {
    repositories: ['apps/*', `222233334444.dkr.ecr.eu-west-1.amazonaws.com/shared/base`],
    pull: ['manifests/fleet'],
    pullThrough: ['docker-hub'],
    create: ['apps/mainapp'],
  },
  images: [{ name: 'mainapp', image: `${host}/apps/mainapp`, policy: { semver: { range: '>=1.0.0' } } }],
  events: true,
};
const variants: Record<string, object> = {
  minimal,
  everything,
  'with the module': { ...everything, terraform: { role: 'module' } },
  'pod identity': { ...everything, identity: 'pod-identity' },
  'ssh, created provider, existing namespace': {
    ...minimal,
    cluster: { name: 'prod', createOidcProvider: true, existingNamespace: true },
    git: { url: 'ssh://git@github.com/acme/fleet', credential: { kind: 'ssh' } },
  },
  'bearer, secret in the state, handed over': {
    ...minimal,
    git: { ...minimal.git, credential: { kind: 'bearer' } },
    terraform: { writeOnlySecrets: false, handedOver: true },
  },
  'by the bootstrap module': { ...everything, terraform: { install: 'bootstrap' } },
  millrace: { ...everything, engine: 'millrace' },
  'millrace, split, with the module, charts and image of our own': {
    ...everything,
    engine: 'millrace',
    millrace: {
      topology: 'split',
      charts: 'oci://registry.example.com/charts',
      image: 'registry.example.com/millrace',
      values: { replicas: 2, rbac: { clusterAdmin: false } },
    },
    terraform: { role: 'module', handedOver: true },
  },
  'millrace with pod identity, charts in a folder': {
    ...minimal,
    engine: 'millrace',
    identity: 'pod-identity',
    millrace: { charts: '../charts' },
  },
  'the article: operator 0.32.0, Flux 2.4.0': { ...minimal, flux: { operatorVersion: '0.32.0', version: '2.4.0' } },
};

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function generate(value: object): Record<string, string> {
  return generateTerraform(parseConfiguration(value, 'millrace.yaml'));
}

function written(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'terraform-'));
  folders.push(folder);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

const roleArn = 'arn:aws:iam::111122223333:role/some';
const helm = process.env['HELM'] ?? 'helm';
const hasHelm = spawnSync(helm, ['version'], { stdio: 'ignore' }).status === 0;
const hasTerraform = spawnSync('terraform', ['version'], { stdio: 'ignore' }).status === 0;

describe.each(Object.entries(variants))('%s', (_name, value) => {
  const files = generate(value);
  const all = Object.entries(files)
    .filter(([name]) => name.endsWith('.tf'))
    .map(([, text]) => text)
    .join('\n');

  test.skipIf(!hasTerraform)('is formatted as `terraform fmt` does it', () => {
    const result = spawnSync('terraform', ['fmt', '-check', '-diff', '-recursive', written(files)], {
      encoding: 'utf8',
    });
    expect(result.stdout + (result.status === 0 ? '' : result.stderr)).toBe('');
    expect(result.status).toBe(0);
  });

  test('is the same every time', () => {
    expect(generate(structuredClone(value))).toEqual(files);
  });

  test('declares every variable, local, data source, resource and module that it refers to, and uses what it declares', () => {
    const declared = new Set(
      [...all.matchAll(/^(variable|data|resource|module) "([^"]+)"(?: "([^"]+)")?/gm)].map(
        ([, type, first, second]) => {
          if (type === 'variable') return `var.${first}`;
          if (type === 'module') return `module.${first}`;
          return `${type === 'data' ? 'data.' : ''}${first}.${second}`;
        },
      ),
    );
    for (const [, body = ''] of all.matchAll(/^locals \{\n([\s\S]*?)^\}/gm)) {
      for (const [, name] of body.matchAll(/^ {2}(\w+) +=/gm)) declared.add(`local.${name}`);
    }
    const pattern = /(?<![\w.])(?:var\.\w+|local\.\w+|module\.\w+|(?:data\.)?(?:aws|helm|kubernetes)_\w+\.\w+)/g;
    const code = all.replaceAll(/^ *#.*$/gm, '').replaceAll(/"(?:description|error_message)".*/g, '');
    const used = new Set(code.match(pattern) ?? []);
    expect([...used].filter((name) => !declared.has(name))).toEqual([]);
    const variables = [...declared].filter((name) => name.startsWith('var.'));
    expect(variables.filter((name) => code.split(new RegExp(`${name.replace('.', '\\.')}\\b`)).length < 2)).toEqual([]);
  });

  test('documents every variable and output', () => {
    for (const [, body = ''] of all.matchAll(/^(?:variable|output) "\w+" \{\n([\s\S]*?)^\}/gm)) {
      expect(body).toMatch(/^ {2}description +=/m);
    }
  });

  const configuration = parseConfiguration(value, 'millrace.yaml');
  const model = terraformModel(configuration, [], []);
  test.runIf(configuration.engine === 'flux')('gives the instance chart no value that it does not know', () => {
    expect(faultsOfInstanceValues(plain(instanceValues(model)))).toEqual([]);
  });

  test.runIf(configuration.engine === 'millrace' && hasHelm)('gives our chart no value that its schema refuses', () => {
    const folder = written({ 'values.json': JSON.stringify(plain(millraceValues(model))) });
    const args = ['template', 'millrace', 'charts/millrace', '--values', join(folder, 'values.json')];
    const { stderr, stdout } = spawnSync(helm, args, { encoding: 'utf8' });
    expect(stderr).toBe('');
    const accounts = loadAll(stdout).filter((object) => isRecord(object) && object['kind'] === 'ServiceAccount');
    const annotated = accounts.filter((account) => JSON.stringify(account).includes(roleArn));
    expect(annotated).toHaveLength(configuration.identity === 'irsa' ? model.readers.length : 0);
  });
});

/** Values with every expression replaced by some text that fits its place. */
function plain(value: unknown): unknown {
  if (value instanceof Expression) return value.text.endsWith('.arn') ? roleArn : 'refs/some/text';
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}

test('the examples of a tree shrink and grow the list of repositories', () => {
  const configuration = parseConfiguration({ ...minimal, ecr: {} }, 'millrace.yaml');
  const tree = (...scanned: string[]) => ({ scanned, pulled: [], withoutProvider: [], hasAutomation: false });
  const both = generateTerraform(configuration, tree(`${host}/apps/b`, `${host}/apps/a`))['variables.tf'];
  expect(both).toContain('default     = ["apps/a", "apps/b"]');
  const one = generateTerraform(configuration, tree(`${host}/apps/a`))['variables.tf'];
  expect(one).toContain('default     = ["apps/a"]');
});

test('foreign registries are named in the policy, and their owner gets a repository policy', () => {
  const files = generate(everything);
  const arn = 'arn:aws:ecr:eu-west-1:222233334444:repository/shared/base';
  expect(files['variables.tf']).toContain(`"${arn}"`);
  const { repositories, repositoryPolicy } = JSON.parse(files['owners/222233334444.json'] ?? '');
  expect(repositories).toEqual([arn]);
  expect(repositoryPolicy.Statement[0].Action).toContain('ecr:ListImages');
  expect(repositoryPolicy.Statement[0].Principal.AWS).toContain('arn:aws:iam::111122223333:role/prod-image-reflector');
});

test('a role with a random suffix is named to the owner by a condition, since its whole name is known to nobody yet', () => {
  const files = generate({ ...everything, terraform: { role: 'module', useNamePrefix: true } });
  const [statement] = JSON.parse(files['owners/222233334444.json'] ?? '').repositoryPolicy.Statement;
  expect(statement.Principal).toEqual({ AWS: 'arn:aws:iam::111122223333:root' });
  expect(statement.Condition.ArnLike['aws:PrincipalArn']).toContain(
    'arn:aws:iam::111122223333:role/prod-image-reflector-*',
  );
});

test('the European sovereign cloud has regions of four letters', () => {
  expect(generate({ ...minimal, aws: { region: 'eusc-de-east-1' } })['variables.tf']).toContain('"eusc-de-east-1"');
});

test('no secret and no placeholder of one is in any file', () => {
  expect(JSON.stringify(generate(everything))).not.toMatch(/password *= *"[^"$]/);
});

test('both engines make the same of IAM: changing the engine changes no role, policy or trust', () => {
  expect(generate({ ...everything, engine: 'millrace' })['iam.tf']).toBe(generate(everything)['iam.tf']);
});

test('engine millrace: the definitions before the controllers, the role before both, the sync objects after', () => {
  const files = generate({ ...minimal, engine: 'millrace' });
  expect(files['flux.tf']).toBeUndefined();
  const release = (name: string) => files['millrace.tf']?.split(`"helm_release" "${name}"`)[1]?.split('\n}')[0];
  expect(release('millrace')).toContain('skip_crds        = true');
  expect(release('millrace')).toMatch(/depends_on += \[helm_release.millrace_crds, aws_iam_role_policy_attachment/);
  expect(files['images.tf']).toContain('kind       = "GitRepository"');
  expect(files['images.tf']).toContain('depends_on = [helm_release.millrace]');
  expect(files['images.tf']).toContain('kubernetes_secret_v1.git_auth.metadata[0].name');
});

test('engine millrace with Pod Identity: the association is that of the pod, whose one account it is', () => {
  const account = (topology: string) =>
    /service_account = "(.+)"/.exec(
      generate({ ...minimal, engine: 'millrace', identity: 'pod-identity', millrace: { topology } })['iam.tf'] ?? '',
    )?.[1];
  expect(account('single')).toBe('millrace');
  expect(account('split')).toBe('image-reflector-controller');
});

test('the version of the charts that is installed by default is the one of this program', () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
  expect(parseConfiguration(minimal, 'millrace.yaml').millrace.version).toBe(version);
  for (const chart of ['millrace', 'millrace-crds']) {
    expect(load(readFileSync(`charts/${chart}/Chart.yaml`, 'utf8'))).toMatchObject({ version, appVersion: version });
  }
});

const flux = (values: object) => ({ flux: values });
const rejected: [name: string, change: object, reason: string][] = [
  ['sync.eks', flux({ values: { instance: { sync: { eks: 'GitRepository' } } } }), 'instance.sync.kind'],
  ['installCRDs on the instance', flux({ values: { installCRDs: true } }), 'flux-operator chart'],
  [
    'issuer for provider',
    { cluster: { name: 'p', oidcProvider: 'https://oidc.eks.eu-west-1.amazonaws.com/id/A' } },
    'oidc-provider ARN',
  ],
  [
    'patch with a namespace',
    flux({
      values: {
        instance: {
          kustomize: { patches: [{ patch: 'x', target: { kind: 'ServiceAccount', namespace: 'flux-system' } }] },
        },
      },
    }),
    'namespace',
  ],
  ['uncovered image', { ...everything, ecr: { repositories: ['app/*'] } }, 'apps/mainapp'],
  ['short ref', { git: { ...minimal.git, ref: 'main' } }, 'refs/heads/main'],
  [
    'e-mail as user',
    { git: { ...minimal.git, credential: { username: 'me@acme.example' } } },
    'x-bitbucket-api-token-auth',
  ],
  ['missing components', { ...everything, flux: { components: ['source-controller'] } }, 'missing components'],
  ['long prefix', { name: 'a'.repeat(25), terraform: { role: 'module', useNamePrefix: true } }, '38'],
  ['old operator, new artifact', flux({ operatorVersion: '0.32.0', version: '2.x' }), 'minor versions'],
  [
    'two identities',
    {
      identity: 'pod-identity',
      ...flux({ values: { instance: { kustomize: { patches: [{ patch: 'eks.amazonaws.com/role-arn: x' }] } } } }),
    },
    'wins',
  ],
  ['numeric version', flux({ version: '2.10' }), 'number'],
  ['read-only credential', { ...everything, git: { ...minimal.git, credential: { access: 'read' } } }, 'write access'],
  ['bare star', { ecr: { repositories: ['*'] } }, 'ecr.allowAll'],
  ['angle brackets', { ecr: { repositories: ['<apps>/*'] } }, 'placeholder'],
  ['foreign image registry without variant', flux({ registry: 'registry.example.com/flux' }), 'variant'],
  [
    'a policy that is too long',
    { ecr: { repositories: Array.from({ length: 120 }, (_, i) => `team-${i}/application`) } },
    '6144',
  ],
  [
    'one account with two roles',
    { ...everything, engine: 'millrace', identity: 'pod-identity' },
    'millrace.topology: split',
  ],
  [
    'chart values where no chart is installed',
    { terraform: { install: 'bootstrap' }, ...flux({ values: { healthcheck: { enabled: false } } }) },
    'healthcheck',
  ],
  [
    'events of another account alone',
    { events: true, ecr: { repositories: ['222233334444.dkr.ecr.eu-west-1.amazonaws.com/shared/base'] } },
    'ECR sends its events there',
  ],
  [
    'a registry that may be our own or not',
    { aws: { region: 'eu-west-1' }, ecr: { repositories: [`${host}/apps/mainapp`] } },
    'aws.account',
  ],
  [
    'an expression in the place of a name',
    { images: [{ ...everything.images[0], image: 'apps/x${file("/etc/passwd")}"' }] },
    'no repository of ECR',
  ],
  ['an expression in a prefix', { ecr: { repositories: ['apps/*'], pullThrough: ['"]}'] } }, 'no repository of ECR'],
  ['charts from nowhere', { engine: 'millrace', millrace: { charts: 'charts' } }, 'oci://'],
  ['unknown field', { colour: 'red' }, 'no such field: colour'],
  ['scp-style URL', { git: { url: 'git@github.com:acme/fleet.git' } }, 'ssh://'],
];
test.each(rejected)('refuses %s', (_name, change, reason) => {
  expect(() => generate({ ...minimal, ...change })).toThrow(reason);
});

test('refuses an ImageRepository in ECR that does not log in', () => {
  const configuration = parseConfiguration(minimal, 'millrace.yaml');
  const tree = { scanned: [`${host}/apps/a`], pulled: [], withoutProvider: ['a'], hasAutomation: false };
  expect(() => generateTerraform(configuration, tree)).toThrow('provider: aws');
});

test.skipIf(!hasTerraform)('terraform itself reads the expressions: the repository ARNs of a partition', () => {
  const folder = written({
    'main.tf': `variable "ecr_repositories" {\n  default = ["apps/*", "arn:aws:ecr:eu-west-1:222233334444:repository/x"]\n}\n\n${generate(
      minimal,
    )
      ['iam.tf']?.match(/^locals \{[\s\S]*?^\}/m)?.[0]
      .replace('data.aws_partition.current.partition', '"aws-cn"')
      .replace('coalesce(var.aws_region, data.aws_region.current.region)', '"cn-north-1"')
      .replace('coalesce(var.aws_acc_id, data.aws_caller_identity.current.account_id)', '"111122223333"')
      .replace('data.aws_partition.current.dns_suffix', '"amazonaws.com.cn"'.replaceAll('"', '\\"'))
      .split('\n')
      .filter((line) => !/oidc_|registry/.test(line))
      .join('\n')}\n`,
  });
  const input = 'jsonencode(local.ecr_repository_arns)\n';
  const output = execFileSync('terraform', [`-chdir=${folder}`, 'console'], {
    input,
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  expect(JSON.parse(JSON.parse(output))).toEqual([
    'arn:aws-cn:ecr:cn-north-1:111122223333:repository/apps/*',
    'arn:aws:ecr:eu-west-1:222233334444:repository/x',
  ]);
});
