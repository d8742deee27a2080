import type { KubeObject } from '../../base/kube-object.ts';
import type { Repository } from '../../oci/reference.ts';

/** A commit that brought a tag into git. */
export interface TagCommit {
  hash: string;
  /** RFC 3339. */
  at: string;
  author: string;
  subject: string;
}

/** The doors that a trace goes through besides the cluster. All read only; each throws MillraceErrors. */
export interface TraceTools {
  /** When a tag was pushed to ECR; undefined where there is no such tag. Throws where ECR cannot be asked, or it is not in ECR. */
  pushedAt(repository: Repository, tag: string): Promise<{ at: string; digest: string } | undefined>;
  /** The newest commit of a GitRepository's branch that brought one of the texts in. */
  commitOf(source: KubeObject, texts: readonly string[]): Promise<TagCommit | undefined>;
  /** The texts that a commit added, line by line. */
  addedLines(source: KubeObject, commit: string): Promise<string[]>;
  /** Whether a revision of a GitRepository holds a commit. */
  contains(source: KubeObject, revision: string, commit: string): Promise<boolean>;
}
