import { createArtifactCache } from '../../controllers/kustomization/artifact-cache.ts';
import { createKustomizationController } from '../../controllers/kustomization/controller.ts';
import type { KustomizationGates } from '../../controllers/kustomization/deps.ts';
import { openRemoteArtifact } from '../../controllers/kustomization/remote-artifact.ts';
import { readArchiveFiles } from '../../controllers/source/archive-reader.ts';
import { createHttpClient } from '../../http/http-client.ts';
import { createKubeClient } from '../../kube/api-client.ts';
import { memoryFileSystem } from '../../kustomize/file-system.ts';
import { version } from '../../version.ts';
import type { ControllerDeps, ControllerPart } from './controllers.ts';
import type { SharedParts } from './shared.ts';

/** A remote cluster that does not answer holds a worker no longer than this. As Flux. */
const remoteTimeoutMs = 30_000;

/** Kustomizations, built from artifacts of this process or, where another serves them, over HTTP. */
export async function assembleKustomize(deps: ControllerDeps, shared: SharedParts): Promise<ControllerPart> {
  const { client, options, env } = deps;
  const userAgent = `millrace/${version}`;
  const http = createHttpClient({ headers: { 'user-agent': userAgent } });
  const host = env['SOURCE_CONTROLLER_LOCALHOST'];
  const openArtifact = createArtifactCache(async (artifact, signal) => {
    const file = shared.localArtifact(artifact);
    if (file === undefined) return openRemoteArtifact(artifact, http, signal, host === undefined ? {} : { host });
    return memoryFileSystem(Object.fromEntries(await readArchiveFiles(file, { signal })));
  });
  return {
    controllers: [
      createKustomizationController({
        client,
        events: deps.events('kustomize-controller'),
        openArtifact,
        connect: (config) => createKubeClient(config, { userAgent, requestTimeoutMs: remoteTimeoutMs }),
        requeueDependencyMs: options.requeueDependencyMs,
        intervalJitter: options.intervalJitter,
        noCrossNamespaceRefs: options.noCrossNamespaceRefs,
        insecureKubeconfigExec: options.insecureKubeconfigExec,
        insecureKubeconfigTls: options.insecureKubeconfigTls,
        gates: gatesOf(options.featureGates),
        ...(options.concurrent === undefined ? {} : { concurrency: options.concurrent }),
        ...(options.defaultServiceAccount === undefined
          ? {}
          : { defaultServiceAccount: options.defaultServiceAccount }),
      }),
    ],
    close: () => http.close({ force: true }),
  };
}

const gateNames = {
  StrictPostBuildSubstitutions: 'strictPostBuildSubstitutions',
  AdditiveCELDependencyCheck: 'additiveCelDependencyCheck',
  DisableFailFastBehavior: 'disableFailFastBehavior',
  ObjectLevelWorkloadIdentity: 'objectLevelWorkloadIdentity',
  ExternalArtifact: 'externalArtifact',
  DisableConfigWatchers: 'disableConfigWatchers',
} as const satisfies Record<string, keyof KustomizationGates>;

function gatesOf(flags: ReadonlyMap<string, boolean>): Partial<KustomizationGates> {
  const given = Object.entries(gateNames).flatMap(([flag, gate]) => {
    const value = flags.get(flag);
    return value === undefined ? [] : [[gate, value] as const];
  });
  return Object.fromEntries(given);
}
