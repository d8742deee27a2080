import { parseLabelSelector } from '../../apply/label-selector.ts';
import { parseDuration } from '../../base/duration.ts';
import { MillraceError } from '../../base/error.ts';
import type { LogLevel } from '../../base/logger.ts';
import type { DigestAlgorithm } from '../../controllers/source/archive-writer.ts';
import { type ControllerName, controllerNames, operatorName } from './controllers.ts';

/** What `millrace run` was asked to do, checked and with units. */
export interface RunOptions {
  controllers: ControllerName[];
  /** Namespace of the installation: leases, and the objects of `--watch-all-namespaces=false`. */
  namespace: string | undefined;
  concurrent: number | undefined;
  watchAllNamespaces: boolean;
  watchLabelSelector: string | undefined;
  noCrossNamespaceRefs: boolean;
  remoteBases: boolean;
  defaultServiceAccount: string | undefined;
  defaultKubeconfigServiceAccount: string | undefined;
  defaultDecryptionServiceAccount: string | undefined;
  sopsAgeSecret: string | undefined;
  concurrentSsa: number;
  httpRetry: number;
  overrideManagers: string[];
  customApplyStageKinds: Set<string>;
  watchConfigsLabelSelector: string | undefined;
  insecureKubeconfigTls: boolean;
  insecureKubeconfigExec: boolean;
  storagePath: string | undefined;
  storageAddr: string;
  storageAdvAddr: string | undefined;
  storageService: string | undefined;
  artifactRetentionTtlMs: number;
  artifactRetentionRecords: number;
  artifactDigestAlgo: DigestAlgorithm;
  sshKexAlgos: string[];
  sshHostkeyAlgos: string[];
  eventsAddr: string | undefined;
  metricsAddr: string | undefined;
  healthAddr: string | undefined;
  leaderElection: boolean;
  registryEndpoints: Map<string, string>;
  ecrEventsQueue: string | undefined;
  hookAddr: string | undefined;
  hookTokenFile: string | undefined;
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
    watchLabelSelector: selector(text('watchLabelSelector'), '--watch-label-selector'),
    noCrossNamespaceRefs: negated(raw['crossNamespaceRefs'], '--no-cross-namespace-refs'),
    remoteBases:
      bool(raw['allowRemoteBases'], '--allow-remote-bases') && !negated(raw['remoteBases'], '--no-remote-bases'),
    defaultServiceAccount: text('defaultServiceAccount'),
    defaultKubeconfigServiceAccount: text('defaultKubeconfigServiceAccount'),
    defaultDecryptionServiceAccount: text('defaultDecryptionServiceAccount'),
    sopsAgeSecret: text('sopsAgeSecret'),
    concurrentSsa: count(raw['concurrentSsa'], '--concurrent-ssa', 1),
    httpRetry: count(raw['httpRetry'], '--http-retry', 0),
    overrideManagers: Array.isArray(raw['overrideManager']) ? raw['overrideManager'].map(String) : [],
    customApplyStageKinds: parseGroupKinds(text('customApplyStageKinds')),
    watchConfigsLabelSelector: selector(text('watchConfigsLabelSelector'), '--watch-configs-label-selector'),
    insecureKubeconfigTls: bool(raw['insecureKubeconfigTls'], '--insecure-kubeconfig-tls'),
    insecureKubeconfigExec: bool(raw['insecureKubeconfigExec'], '--insecure-kubeconfig-exec'),
    storagePath: text('storagePath') ?? env['STORAGE_PATH'],
    storageAddr: text('storageAddr') ?? env['STORAGE_ADDR'] ?? (isInCluster ? ':9090' : '127.0.0.1:0'),
    storageAdvAddr: text('storageAdvAddr') ?? env['STORAGE_ADV_ADDR'],
    storageService: text('storageService'),
    artifactRetentionTtlMs: duration('artifactRetentionTtl', '--artifact-retention-ttl'),
    artifactRetentionRecords: count(raw['artifactRetentionRecords'], '--artifact-retention-records', 1),
    artifactDigestAlgo: (text('artifactDigestAlgo') ?? 'sha256') as DigestAlgorithm,
    sshKexAlgos: names(text('sshKexAlgos')),
    sshHostkeyAlgos: names(text('sshHostkeyAlgos')),
    eventsAddr: text('eventsAddr'),
    metricsAddr: text('metricsAddr') ?? (isInCluster ? ':8080' : undefined),
    healthAddr: text('healthAddr') ?? (isInCluster ? ':9440' : undefined),
    leaderElection: bool(raw['enableLeaderElection'] ?? raw['leaderElection'], '--enable-leader-election'),
    registryEndpoints: parseEndpoints(raw['registryEndpoint']),
    ecrEventsQueue: text('ecrEventsQueue'),
    hookAddr: text('hookAddr'),
    hookTokenFile: text('hookTokenFile'),
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

function names(text = ''): string[] {
  return text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

/** Read here as well as by the server, which would refuse it with every watch. */
function selector(text: string | undefined, flag: string): string | undefined {
  if (text !== undefined) parseLabelSelector(text, flag);
  return text;
}

function parseGroupKinds(text: string | undefined): Set<string> {
  const kinds = names(text);
  for (const kind of kinds) {
    if (!/^[a-z0-9.-]*\/[A-Z]\w*$/.test(kind)) {
      throw badFlag(
        '--custom-apply-stage-kinds',
        kind,
        'Write group/Kind, as rbac.authorization.k8s.io/Role; /ConfigMap for the core group.',
      );
    }
  }
  return new Set(kinds);
}

function parseControllers(text: string): ControllerName[] {
  const asked = names(text);
  if (asked.includes('*')) return [...controllerNames];
  return asked.map((name) => {
    const all = [...controllerNames, operatorName] as const;
    const known = all.find((full) => full === name);
    if (known === undefined) throw badFlag('--controllers', name, `Known are ${all.join(', ')}.`);
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
