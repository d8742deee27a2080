import { type Command, Option } from 'commander';
import { parseDuration } from '../../base/duration.ts';
import { MillraceError } from '../../base/error.ts';
import type { LogLevel } from '../../base/logger.ts';
import { type ControllerName, controllerNames } from './controllers.ts';

/** What `millrace run` was asked to do, checked and with units. */
export interface RunOptions {
  controllers: ControllerName[];
  /** Namespace of the installation: leases, and the objects of `--watch-all-namespaces=false`. */
  namespace: string | undefined;
  concurrent: number | undefined;
  watchAllNamespaces: boolean;
  watchLabelSelector: string | undefined;
  noCrossNamespaceRefs: boolean;
  noRemoteBases: boolean;
  defaultServiceAccount: string | undefined;
  insecureKubeconfigExec: boolean;
  storagePath: string | undefined;
  storageAddr: string;
  storageAdvAddr: string | undefined;
  artifactRetentionTtlMs: number;
  artifactRetentionRecords: number;
  eventsAddr: string | undefined;
  metricsAddr: string | undefined;
  healthAddr: string | undefined;
  leaderElection: boolean;
  registryEndpoints: Map<string, string>;
  ecrEventsQueue: string | undefined;
  allowNodeRole: boolean;
  tokenCacheMaxSize: number;
  tokenCacheMaxDurationMs: number;
  featureGates: Map<string, boolean>;
  minRetryDelayMs: number;
  maxRetryDelayMs: number;
  intervalJitter: number;
  requeueDependencyMs: number;
  gracefulShutdownMs: number;
  logLevel: LogLevel;
  takeOver: boolean;
  exitWithStdin: boolean;
}

/** Adds the flags; where Flux's controllers have the same one, under their name. */
export function addRunOptions(command: Command): Command {
  const logLevels = ['debug', 'info', 'warn', 'error'];
  return command
    .option('-n, --namespace <name>', 'namespace of the installation (default: RUNTIME_NAMESPACE, flux-system)')
    .option('--controllers <list>', `controllers to run, comma separated (${controllerNames.join(', ')})`, '*')
    .option('--concurrent <n>', 'objects of a kind to reconcile side by side')
    .option('--watch-all-namespaces [bool]', 'watch the objects of all namespaces, not only of one', 'true')
    .option(
      '--watch-label-selector <selector>',
      'only objects with these labels, such as sharding.fluxcd.io/key=shard1',
    )
    .option('--no-cross-namespace-refs [bool]', 'refuse references to objects of another namespace')
    .option('--no-remote-bases [bool]', 'refuse kustomize bases outside the source')
    .option('--default-service-account <name>', 'ServiceAccount to act as where an object names none')
    .option('--insecure-kubeconfig-exec [bool]', 'allow credential plugins in the kubeconfig of an object')
    .option('--storage-path <dir>', 'folder for artifacts (default: STORAGE_PATH, a folder of the user)')
    .option(
      '--storage-addr <address>',
      'address to serve artifacts on (default: STORAGE_ADDR, 127.0.0.1:0; in a pod :9090)',
    )
    .option('--storage-adv-addr <host>', 'address of the artifacts as others see it (default: STORAGE_ADV_ADDR)')
    .option('--artifact-retention-ttl <duration>', 'how long superseded artifacts stay', '60s')
    .option('--artifact-retention-records <n>', 'how many artifacts of an object stay', '2')
    .option('--events-addr <url>', 'notification endpoint that events are posted to')
    .option('--metrics-addr <address>', 'address of /metrics, 0 for none (default: in a pod :8080, else 0)')
    .option('--health-addr <address>', 'address of /healthz and /readyz, 0 for none (default: in a pod :9440, else 0)')
    .option('--enable-leader-election [bool]', 'run only while holding the Lease')
    .addOption(new Option('--leader-election [bool]', 'the same').hideHelp())
    .option('--registry-endpoint <host=url>', 'reach a registry at another address (repeatable)', collect, [])
    .option('--ecr-events-queue <url>', 'SQS queue with push events of ECR; a push is scanned at once')
    .option('--allow-node-role [bool]', "fall back to the node's AWS role, which every pod on it has")
    .option('--token-cache-max-size <n>', 'AWS sessions and logins to keep, 0 for none', '100')
    .option('--token-cache-max-duration <duration>', 'longest time to keep one', '1h')
    .option('--feature-gates <list>', 'gates as Name=true, comma separated', '')
    .option('--min-retry-delay <duration>', 'delay after the first failure of an object', '750ms')
    .option('--max-retry-delay <duration>', 'longest delay after failures', '15m')
    .option('--interval-jitter-percentage <n>', 'spread of the intervals', '5')
    .option('--requeue-dependency <duration>', 'how soon to look again for a dependency', '30s')
    .option('--graceful-shutdown-timeout <duration>', 'time for runs under way when the process ends', '20s')
    .addOption(new Option('--log-level <level>', 'least level that is logged').choices(logLevels).default('info'))
    .option('--take-over', 'start although Flux runs the same controller in the cluster')
    .addOption(new Option('--exit-with-stdin', 'end when standard input ends').hideHelp());
}

export function parseRunOptions(
  raw: Record<string, unknown>,
  env: Readonly<Record<string, string | undefined>>,
  isInCluster: boolean,
): RunOptions {
  const text = (name: string) => (typeof raw[name] === 'string' && raw[name] !== '' ? raw[name] : undefined);
  const duration = (name: string, flag: string) => parseDuration(text(name) ?? '', flag);
  return {
    controllers: parseControllers(text('controllers') ?? '*'),
    namespace: text('namespace') ?? env['RUNTIME_NAMESPACE'],
    concurrent: raw['concurrent'] === undefined ? undefined : count(raw['concurrent'], '--concurrent', 1),
    watchAllNamespaces: bool(raw['watchAllNamespaces'], '--watch-all-namespaces'),
    watchLabelSelector: text('watchLabelSelector'),
    noCrossNamespaceRefs: negated(raw['crossNamespaceRefs'], '--no-cross-namespace-refs'),
    noRemoteBases: negated(raw['remoteBases'], '--no-remote-bases'),
    defaultServiceAccount: text('defaultServiceAccount'),
    insecureKubeconfigExec: bool(raw['insecureKubeconfigExec'], '--insecure-kubeconfig-exec'),
    storagePath: text('storagePath') ?? env['STORAGE_PATH'],
    storageAddr: text('storageAddr') ?? env['STORAGE_ADDR'] ?? (isInCluster ? ':9090' : '127.0.0.1:0'),
    storageAdvAddr: text('storageAdvAddr') ?? env['STORAGE_ADV_ADDR'],
    artifactRetentionTtlMs: duration('artifactRetentionTtl', '--artifact-retention-ttl'),
    artifactRetentionRecords: count(raw['artifactRetentionRecords'], '--artifact-retention-records', 1),
    eventsAddr: text('eventsAddr'),
    metricsAddr: text('metricsAddr') ?? (isInCluster ? ':8080' : undefined),
    healthAddr: text('healthAddr') ?? (isInCluster ? ':9440' : undefined),
    leaderElection: bool(raw['enableLeaderElection'] ?? raw['leaderElection'], '--enable-leader-election'),
    registryEndpoints: parseEndpoints(raw['registryEndpoint']),
    ecrEventsQueue: text('ecrEventsQueue'),
    allowNodeRole: bool(raw['allowNodeRole'], '--allow-node-role'),
    tokenCacheMaxSize: count(raw['tokenCacheMaxSize'], '--token-cache-max-size', 0),
    tokenCacheMaxDurationMs: duration('tokenCacheMaxDuration', '--token-cache-max-duration'),
    featureGates: parseFeatureGates(text('featureGates') ?? ''),
    minRetryDelayMs: duration('minRetryDelay', '--min-retry-delay'),
    maxRetryDelayMs: duration('maxRetryDelay', '--max-retry-delay'),
    intervalJitter: count(raw['intervalJitterPercentage'], '--interval-jitter-percentage', 0) / 100,
    requeueDependencyMs: duration('requeueDependency', '--requeue-dependency'),
    gracefulShutdownMs: duration('gracefulShutdownTimeout', '--graceful-shutdown-timeout'),
    logLevel: text('logLevel') as LogLevel,
    takeOver: raw['takeOver'] === true,
    exitWithStdin: raw['exitWithStdin'] === true,
  };
}

function collect(value: string, before: string[]): string[] {
  return [...before, value];
}

/** Go's boolean flags: bare, or with `=true` and `=false`. */
function bool(value: unknown, flag: string): boolean {
  if (value === undefined || value === 'false') return false;
  if (value === true || value === 'true') return true;
  throw badFlag(flag, value, 'Write true or false.');
}

/** Commander takes `--no-x` for the opposite of `x`: it gives true when absent, false when bare. */
function negated(value: unknown, flag: string): boolean {
  if (value === undefined || value === true) return false;
  return value === false || bool(value, flag);
}

function count(value: unknown, flag: string, least: number): number {
  const number = Number(value);
  if (!Number.isInteger(number) || number < least || number > 10_000) {
    throw badFlag(flag, value, `Write a whole number of at least ${least}.`);
  }
  return number;
}

function parseControllers(text: string): ControllerName[] {
  const names = text.split(',').map((name) => name.trim());
  if (names.includes('*')) return [...controllerNames];
  return names.map((name) => {
    const known = controllerNames.find((full) => full === name);
    if (known === undefined) throw badFlag('--controllers', name, `Known are ${controllerNames.join(', ')}.`);
    return known;
  });
}

function parseEndpoints(value: unknown): Map<string, string> {
  const pairs = Array.isArray(value) ? value.map(String) : [];
  return new Map(
    pairs.map((pair) => {
      const [, host, url] = /^([^=]+)=(https?:\/\/.+)$/.exec(pair) ?? [];
      if (host === undefined || url === undefined) {
        throw badFlag('--registry-endpoint', pair, 'Write HOST=http://127.0.0.1:5000.');
      }
      return [host, url.replace(/\/+$/, '')];
    }),
  );
}

function parseFeatureGates(text: string): Map<string, boolean> {
  const pairs = text.split(',').filter((pair) => pair.trim() !== '');
  return new Map(
    pairs.map((pair) => {
      const [, name, value] = /^\s*(\w+)\s*=\s*(true|false)\s*$/.exec(pair) ?? [];
      if (name === undefined) throw badFlag('--feature-gates', pair, 'Write Name=true,Other=false.');
      return [name, value === 'true'];
    }),
  );
}

function badFlag(flag: string, value: unknown, hint: string): MillraceError {
  return new MillraceError('BAD_INPUT', `${flag}: '${String(value)}' is not valid`, { hint, retry: 'never' });
}
