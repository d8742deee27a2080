import { createEksClusters } from '../../aws/eks-cluster.ts';
import { parseAwsEnvironment } from '../../aws/environment.ts';
import { createKmsDecrypter } from '../../aws/kms.ts';
import { MillraceError } from '../../base/error.ts';
import { createArtifactCache } from '../../controllers/kustomization/artifact-cache.ts';
import { createKustomizationController } from '../../controllers/kustomization/controller.ts';
import type { KustomizationGates } from '../../controllers/kustomization/deps.ts';
import { openRemoteArtifact, unpackArtifact } from '../../controllers/kustomization/remote-artifact.ts';
import { createHttpClient } from '../../http/http-client.ts';
import { createKubeClient } from '../../kube/api-client.ts';
import type { FetchRemote } from '../../kustomize/remotes.ts';
import { version } from '../../version.ts';
import { withRemoteBases } from '../remote-bases.ts';
import { awsIdentitiesOf } from './aws-identities.ts';
import type { ControllerDeps, ControllerPart } from './controllers.ts';
import type { SharedParts } from './shared.ts';

const component = 'kustomize-controller';
/** A remote cluster that does not answer holds a worker no longer than this. As Flux. */
const remoteTimeoutMs = 30_000;

/** Kustomizations, built from artifacts of this process or, where another serves them, over HTTP. */
export async function assembleKustomize(deps: ControllerDeps, shared: SharedParts): Promise<ControllerPart> {
  const { client, options, env, namespace } = deps;
  requireWorkloadGate(options);
  const userAgent = `millrace/${version}`;
  const http = createHttpClient({ headers: { 'user-agent': userAgent } });
  const host = env['SOURCE_CONTROLLER_LOCALHOST'];
  const attempts = 1 + options.httpRetry;
  const { endpoints } = parseAwsEnvironment(env);
  const identities = awsIdentitiesOf(component, deps);
  const openArtifact = createArtifactCache(async (artifact, signal) => {
    const file = shared.localArtifact(artifact);
    if (file === undefined)
      return openRemoteArtifact(artifact, http, signal, host === undefined ? { attempts } : { attempts, host });
    return unpackArtifact(file, signal);
  });
  return {
    controllers: [
      createKustomizationController({
        client,
        events: deps.events(component),
        openArtifact,
        kmsDecrypt: createKmsDecrypter(identities, endpoints),
        eks: createEksClusters(identities, endpoints),
        controllerServiceAccount: { namespace, name: component },
        connect: (config) => createKubeClient(config, { userAgent, requestTimeoutMs: remoteTimeoutMs }),
        requeueDependencyMs: options.requeueDependencyMs,
        intervalJitter: options.intervalJitter,
        noCrossNamespaceRefs: options.noCrossNamespaceRefs,
        concurrentApply: options.concurrentSsa,
        customStageKinds: options.customApplyStageKinds,
        overrideManagers: options.overrideManagers,
        insecureKubeconfigExec: options.insecureKubeconfigExec,
        insecureKubeconfigTls: options.insecureKubeconfigTls,
        gates: gatesOf(options.featureGates),
        ...onlyGiven({
          concurrency: options.concurrent,
          defaultServiceAccount: options.defaultServiceAccount,
          defaultDecryptionServiceAccount: options.defaultDecryptionServiceAccount,
          defaultKubeconfigServiceAccount: options.defaultKubeconfigServiceAccount,
          watchConfigsSelector: options.watchConfigsLabelSelector,
          remoteBases: options.remoteBases
            ? <T>(signal: AbortSignal, work: (fetch: FetchRemote) => Promise<T>) =>
                withRemoteBases({ git: shared.git, http, signal }, work)
            : undefined,
          sopsAgeSecret: options.sopsAgeSecret === undefined ? undefined : { namespace, name: options.sopsAgeSecret },
        }),
      }),
    ],
    close: () => http.close({ force: true }),
  };
}

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function onlyGiven<T extends object>(options: T): Given<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Given<T>;
}

/** As Flux: a lock-down to ServiceAccounts means nothing while objects may not use any. */
function requireWorkloadGate(options: ControllerDeps['options']): void {
  const { defaultDecryptionServiceAccount, defaultKubeconfigServiceAccount, featureGates } = options;
  if ((defaultDecryptionServiceAccount ?? defaultKubeconfigServiceAccount) === undefined) return;
  if (featureGates.get('ObjectLevelWorkloadIdentity') === true) return;
  throw new MillraceError(
    'BAD_INPUT',
    '--default-decryption-service-account and --default-kubeconfig-service-account need the feature gate ObjectLevelWorkloadIdentity',
    { hint: 'Add --feature-gates=ObjectLevelWorkloadIdentity=true.', retry: 'never' },
  );
}

const gateNames = {
  StrictPostBuildSubstitutions: 'strictPostBuildSubstitutions',
  AdditiveCELDependencyCheck: 'additiveCelDependencyCheck',
  DisableFailFastBehavior: 'disableFailFastBehavior',
  ObjectLevelWorkloadIdentity: 'objectLevelWorkloadIdentity',
  ExternalArtifact: 'externalArtifact',
  DisableConfigWatchers: 'disableConfigWatchers',
  MigrateAPIVersion: 'migrateApiVersion',
} as const satisfies Record<string, keyof KustomizationGates>;

function gatesOf(flags: ReadonlyMap<string, boolean>): Partial<KustomizationGates> {
  const given = Object.entries(gateNames).flatMap(([flag, gate]) => {
    const value = flags.get(flag);
    return value === undefined ? [] : [[gate, value] as const];
  });
  return Object.fromEntries(given);
}
