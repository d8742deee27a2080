import { createKustomizationController } from '../../controllers/kustomization/controller.ts';
import { openRemoteArtifact } from '../../controllers/kustomization/remote-artifact.ts';
import { readArchiveFiles } from '../../controllers/source/archive-reader.ts';
import { createHttpClient } from '../../http/http-client.ts';
import { memoryFileSystem } from '../../kustomize/file-system.ts';
import { version } from '../../version.ts';
import type { ControllerDeps, ControllerPart } from './controllers.ts';
import type { SharedParts } from './shared.ts';

/** Kustomizations, built from artifacts of this process or, where another serves them, over HTTP. */
export async function assembleKustomize(deps: ControllerDeps, shared: SharedParts): Promise<ControllerPart> {
  const { client, options } = deps;
  const http = createHttpClient({ headers: { 'user-agent': `millrace/${version}` } });
  return {
    controllers: [
      createKustomizationController({
        client,
        events: deps.events('kustomize-controller'),
        openArtifact: async (artifact, signal) => {
          const file = shared.localArtifact(artifact);
          if (file === undefined) return openRemoteArtifact(artifact, http, signal);
          return memoryFileSystem(Object.fromEntries(await readArchiveFiles(file, { signal })));
        },
        requeueDependencyMs: options.requeueDependencyMs,
        intervalJitter: options.intervalJitter,
        noCrossNamespaceRefs: options.noCrossNamespaceRefs,
        ...(options.concurrent === undefined ? {} : { concurrency: options.concurrent }),
        ...(options.defaultServiceAccount === undefined
          ? {}
          : { defaultServiceAccount: options.defaultServiceAccount }),
      }),
    ],
    close: () => http.close({ force: true }),
  };
}
