import type { Git } from '../../git/program.ts';
import type { HttpClient } from '../../http/http-client.ts';
import type { GitProviders } from '../git-repository/git-provider.ts';
import type { ImageDeps } from '../image/run.ts';

/** Flux's feature gates of this controller, under their names. */
export interface AutomationGates {
  /** Continue on the head of an existing push branch; off: always start it anew from the checkout. */
  gitAllBranchReferences: boolean;
  /** Force the push where push branch and checkout branch differ. */
  gitForcePushBranch: boolean;
  gitShallowClone: boolean;
  /** Check out `update.path` only. */
  gitSparseCheckout: boolean;
  objectLevelWorkloadIdentity: boolean;
}

/** The gates as Flux ships them. */
export const defaultGates: AutomationGates = {
  gitAllBranchReferences: true,
  gitForcePushBranch: true,
  gitShallowClone: true,
  gitSparseCheckout: false,
  objectLevelWorkloadIdentity: false,
};

export interface ImageUpdateAutomationDeps extends ImageDeps {
  /** For the REST APIs of git hosts. */
  http: HttpClient;
  git: Git;
  /** Folder of the clones, one for each automation; all of it can be fetched again. */
  clonesDir: string;
  /** Logins that need more than a Secret: GitHub Apps, cloud providers. */
  providers?: GitProviders;
  noCrossNamespaceRefs: boolean;
  gates: AutomationGates;
  concurrency?: number;
}
