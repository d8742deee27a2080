import { Command } from 'commander';
import { expect, test } from 'vitest';
import { addRunOptions } from './flags.ts';
import { parseRunOptions } from './options.ts';

function parse(argv: string[], env: Record<string, string> = {}, inCluster = false) {
  const command = addRunOptions(new Command('run')).exitOverride();
  command.parse(argv, { from: 'user' });
  return parseRunOptions(command.opts(), env, inCluster);
}

test('has the defaults of Flux', () => {
  expect(parse([])).toMatchObject({
    controllers: [
      'source-controller',
      'kustomize-controller',
      'image-reflector-controller',
      'image-automation-controller',
    ],
    watchAllNamespaces: true,
    noCrossNamespaceRefs: false,
    remoteBases: false,
    leaderElection: false,
    minRetryDelayMs: 750,
    maxRetryDelayMs: 900_000,
    intervalJitter: 0.05,
    requeueDependencyMs: 30_000,
    artifactRetentionTtlMs: 60_000,
    storageAddr: '127.0.0.1:0',
    metricsAddr: undefined,
    logLevel: 'info',
  });
  expect(parse([], {}, true)).toMatchObject({ storageAddr: ':9090', metricsAddr: ':8080', healthAddr: ':9440' });
});

const spellings = [
  { argv: ['--watch-all-namespaces=false'], want: { watchAllNamespaces: false } },
  { argv: ['--watch-all-namespaces'], want: { watchAllNamespaces: true } },
  { argv: ['--allow-remote-bases'], want: { remoteBases: true } },
  { argv: ['--allow-remote-bases', '--no-remote-bases=true'], want: { remoteBases: false } },
  { argv: ['--allow-remote-bases', '--no-remote-bases=false'], want: { remoteBases: true } },
  { argv: ['--no-cross-namespace-refs'], want: { noCrossNamespaceRefs: true } },
  { argv: ['--no-cross-namespace-refs=true'], want: { noCrossNamespaceRefs: true } },
  { argv: ['--no-cross-namespace-refs=false'], want: { noCrossNamespaceRefs: false } },
  { argv: ['--enable-leader-election'], want: { leaderElection: true } },
  { argv: ['--leader-election=true'], want: { leaderElection: true } },
  { argv: ['--controllers', 'image-reflector-controller'], want: { controllers: ['image-reflector-controller'] } },
  {
    argv: ['--feature-gates', 'A=true,B=false'],
    want: {
      featureGates: new Map([
        ['A', true],
        ['B', false],
      ]),
    },
  },
  {
    argv: [
      '--registry-endpoint',
      'a.example=http://127.0.0.1:1/',
      '--registry-endpoint',
      'b.example=http://127.0.0.1:2',
    ],
    want: {
      registryEndpoints: new Map([
        ['a.example', 'http://127.0.0.1:1'],
        ['b.example', 'http://127.0.0.1:2'],
      ]),
    },
  },
];
for (const { argv, want } of spellings) {
  test(`reads ${argv.join(' ')}`, () => expect(parse(argv)).toMatchObject(want));
}

const faults = [
  ['--controllers', 'helm-controller'],
  ['--concurrent', '0'],
  ['--watch-all-namespaces=maybe'],
  ['--registry-endpoint', 'nowhere'],
  ['--feature-gates', 'A'],
  ['--min-retry-delay', '1d'],
];
for (const argv of faults) {
  test(`refuses ${argv.join(' ')}`, () => expect(() => parse(argv)).toThrow(argv[0]?.split('=')[0]));
}

test('takes from the environment what a pod is given there', () => {
  const env = { RUNTIME_NAMESPACE: 'gitops', STORAGE_PATH: '/data', STORAGE_ADV_ADDR: 'source.gitops.svc' };
  expect(parse([], env)).toMatchObject({
    namespace: 'gitops',
    storagePath: '/data',
    storageAdvAddr: 'source.gitops.svc',
  });
  expect(parse(['--storage-path', '/other'], env)).toMatchObject({ storagePath: '/other' });
});
