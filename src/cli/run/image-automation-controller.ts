import { join } from 'node:path';
import { createImageUpdateAutomationController } from '../../controllers/image-update-automation/controller.ts';
import { type AutomationGates, defaultGates } from '../../controllers/image-update-automation/deps.ts';
import { automationComponent } from '../../controllers/image-update-automation/names.ts';
import type { ControllerDeps, ControllerPart } from './controllers.ts';
import type { SharedParts } from './shared.ts';

/** Commits what policies have chosen. */
export async function assembleImageAutomation(deps: ControllerDeps, shared: SharedParts): Promise<ControllerPart> {
  const { client, options } = deps;
  const controller = createImageUpdateAutomationController({
    client,
    events: deps.events(automationComponent),
    git: shared.git,
    clonesDir: join(shared.storageDir, 'automation'),
    noCrossNamespaceRefs: options.noCrossNamespaceRefs,
    gates: gatesOf(options.featureGates),
    ...(options.concurrent !== undefined && { concurrency: options.concurrent }),
  });
  return { controllers: [controller] };
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
