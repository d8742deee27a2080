import { join } from 'node:path';
import type { GitRepository } from '../../api/git-repository.ts';
import { awsError, awsErrorCode } from '../../aws/aws-error.ts';
import { parseEcrHost } from '../../aws/ecr-host.ts';
import { sha256Hex } from '../../base/digest.ts';
import { MillraceError } from '../../base/error.ts';
import { formatKey, type KubeObject, keyOf } from '../../base/kube-object.ts';
import { loadRemote } from '../../controllers/git-repository/load-remote.ts';
import { resolveCheckoutRef } from '../../controllers/image-update-automation/checkout-ref.ts';
import type { TagCommit, TraceTools } from '../../diagnose/trace/tools.ts';
import { type Git, mustRun } from '../../git/program.ts';
import { cloneWorkTree, type WorkTree } from '../../git/work-tree.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { Repository } from '../../oci/reference.ts';
import type { CliContext } from '../context.ts';
import { awsSettings } from '../provision/aws-settings.ts';

/** How far back git is searched. */
const historyDepth = 500;
const mostCommits = 50;

export interface TraceDoors {
  client: KubeClient;
  git: Git;
  /** Where the repositories are cloned to. */
  clonesDir: string;
}

/** ECR with the credentials of the environment, git with those that the GitRepositories name. */
export function traceTools({ client, git, clonesDir }: TraceDoors, context: CliContext): TraceTools {
  const { signal } = context;
  const clones = new Map<string, Promise<WorkTree>>();
  const cloneOf = (source: KubeObject): Promise<WorkTree> => {
    const key = formatKey(keyOf(source));
    const clone =
      clones.get(key) ?? cloneHistory(source as GitRepository, join(clonesDir, sha256Hex(key).slice(0, 12)));
    clones.set(key, clone);
    return clone;
  };
  const cloneHistory = async (source: GitRepository, dir: string): Promise<WorkTree> => {
    const remote = await loadRemote(source, { client }, signal);
    const { source: ref } = await resolveCheckoutRef(source.spec.ref ?? {}, { git, remote, signal });
    return cloneWorkTree(git, remote, { signal, dir, source: ref, depth: historyDepth });
  };
  const run = async (source: KubeObject, args: readonly string[]) =>
    (await mustRun(git, args, { gitDir: (await cloneOf(source)).gitDir, signal })).toString('utf8');
  return {
    pushedAt: (repository, tag) => pushedAt(repository, tag, context),
    async commitOf(source, texts) {
      const { head } = await cloneOf(source);
      for (const text of texts) {
        const format = '--format=%x1e%H%x1f%cI%x1f%an%x1f%s';
        const log = await run(source, ['log', '-n', String(mostCommits), '-S', text, '-p', '-U0', format, head, '--']);
        const found = log
          .split('\x1e')
          .slice(1)
          .find((entry) => addedIn(entry).some((line) => line.includes(text)));
        if (found !== undefined) return parseCommit(found);
      }
      return undefined;
    },
    addedLines: async (source, commit) => addedIn(await run(source, ['show', '-U0', '--format=', commit, '--'])),
    async contains(source, revision, commit) {
      const head = revision.slice(revision.lastIndexOf(':') + 1);
      const args = ['merge-base', '--is-ancestor', commit, head];
      return (await git.run(args, { gitDir: (await cloneOf(source)).gitDir, signal })).exitCode === 0;
    },
  };
}

function addedIn(patch: string): string[] {
  return patch
    .split('\n')
    .filter((line) => line.startsWith('+') && !line.startsWith('+++'))
    .map((line) => line.slice(1));
}

function parseCommit(entry: string): TagCommit {
  const [hash = '', at = '', author = '', subject = ''] = entry.split('\n', 1)[0]?.split('\x1f') ?? [];
  return { hash, at: new Date(at).toISOString(), author, subject };
}

async function pushedAt({ host, name }: Repository, imageTag: string, context: CliContext) {
  const ecr = parseEcrHost(host);
  if (ecr?.kind !== 'private')
    throw new MillraceError('BAD_INPUT', `${host} is not an ECR registry: when a tag was pushed is not known`);
  const { account: registryId, region } = ecr;
  const aws = await import('@aws-sdk/client-ecr');
  const client = new aws.ECRClient(await awsSettings(region, 'ecr', context));
  const command = new aws.DescribeImagesCommand({ registryId, repositoryName: name, imageIds: [{ imageTag }] });
  try {
    const { imageDetails } = await client.send(command, { abortSignal: context.signal });
    const [image] = imageDetails ?? [];
    if (image?.imagePushedAt === undefined) return undefined;
    return { at: image.imagePushedAt.toISOString(), digest: image.imageDigest ?? '' };
  } catch (error) {
    if (awsErrorCode(error) === 'ImageNotFoundException' || (error as Error).name === 'ImageNotFoundException')
      return undefined;
    throw awsError(error, `ECR DescribeImages of ${name}:${imageTag}`, 'the AWS credentials of the environment');
  } finally {
    client.destroy();
  }
}
