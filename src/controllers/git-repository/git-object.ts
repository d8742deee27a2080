import type { Artifact } from '../source/artifact-store.ts';
import type { SourceObject, SourceSpec, SourceStatus } from '../source/source-object.ts';

/** What this controller reads of a GitRepository (spec/source.md §3); the API server has validated it. */
export type GitRepository = SourceObject & { spec: GitRepositorySpec; status?: GitRepositoryStatus };

export interface GitRepositorySpec extends SourceSpec {
  url: string;
  secretRef?: { name: string };
  provider?: 'generic' | 'aws' | 'azure' | 'github';
  serviceAccountName?: string;
  ref?: GitRef;
  verify?: { mode?: string; secretRef: { name: string } };
  proxySecretRef?: { name: string };
  recurseSubmodules?: boolean;
  include?: GitInclude[];
  sparseCheckout?: string[];
}

export interface GitRef {
  branch?: string;
  tag?: string;
  semver?: string;
  name?: string;
  commit?: string;
}

export interface GitInclude {
  repository: { name: string };
  fromPath?: string;
  toPath?: string;
}

export interface GitRepositoryStatus extends SourceStatus {
  includedArtifacts?: Artifact[];
  observedIgnore?: string;
  observedRecurseSubmodules?: boolean;
  observedInclude?: GitInclude[];
  observedSparseCheckout?: string[];
  sourceVerificationMode?: string;
}
