import { join } from 'node:path';
import { createImageUpdateAutomationController } from '../../controllers/image-update-automation/controller.ts';
import { type AutomationGates, defaultGates } from '../../controllers/image-update-automation/deps.ts';
import { automationComponent } from '../../controllers/image-update-automation/names.ts';
import { createHttpClient } from '../../http/http-client.ts';
import { proxyFromEnv } from '../../http/proxy.ts';
import { awsIdentitiesOf } from './aws-identities.ts';
import type { ControllerDeps, ControllerPart } from './controllers.ts';
import { gitProvidersOf } from './git-providers.ts';
import type { SharedParts } from './shared.ts';

/** Commits what policies have chosen. */
export async function assembleImageAutomation(deps: ControllerDeps, shared: SharedParts): Promise<ControllerPart> {
  const { client, options, env } = deps;
  const proxy = proxyFromEnv(env);
  const http = createHttpClient(proxy === undefined ? {} : { proxy });
  const controller = createImageUpdateAutomationController({
    client,
    events: deps.events(automationComponent),
    git: shared.git,
    http,
    providers: gitProvidersOf(options, { http, identities: awsIdentitiesOf(automationComponent, deps) }),
    clonesDir: join(shared.storageDir, 'automation'),
    noCrossNamespaceRefs: options.noCrossNamespaceRefs,
    gates: gatesOf(options.featureGates),
    ...(options.concurrent !== undefined && { concurrency: options.concurrent }),
  });
  return { controllers: [controller], close: () => http.close({ force: true }) };
}

function gatesOf(flags: ReadonlyMap<string, boolean>): AutomationGates {
  return {
    gitAllBranchReferences: flags.get('GitAllBranchReferences') ?? defaultGates.gitAllBranchReferences,
    gitForcePushBranch: flags.get('GitForcePushBranch') ?? defaultGates.gitForcePushBranch,
    gitShallowClone: flags.get('GitShallowClone') ?? defaultGates.gitShallowClone,
    gitSparseCheckout: flags.get('GitSparseCheckout') ?? defaultGates.gitSparseCheckout,
    objectLevelWorkloadIdentity: flags.get('ObjectLevelWorkloadIdentity') ?? defaultGates.objectLevelWorkloadIdentity,
  };
}
