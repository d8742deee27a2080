import type { GitRepository } from '../../api/git-repository.ts';
import type { ImageUpdateAutomation } from '../../api/image-update-automation.ts';
import { awsError } from '../../aws/aws-error.ts';
import { requireEcrHost } from '../../aws/ecr-host.ts';
import { getAuthorizationToken } from '../../aws/ecr-login.ts';
import { parseAwsEnvironment } from '../../aws/environment.ts';
import { assumeRoleWithWebIdentity } from '../../aws/sts.ts';
import { MillraceError } from '../../base/error.ts';
import { formatKey, type KubeObject, keyOf } from '../../base/kube-object.ts';
import { loadRemote } from '../../controllers/git-repository/load-remote.ts';
import { resolveCheckoutRef } from '../../controllers/image-update-automation/checkout-ref.ts';
import type { VerifyTools } from '../../diagnose/verify/tools.ts';
import { pushHead } from '../../git/push.ts';
import { createRegistry } from '../../oci/registry.ts';
import { type AutomationTools, prepareCommits } from '../automation-commits.ts';
import type { CliContext } from '../context.ts';
import { readRole } from '../iam/role.ts';
import { awsSettings, signingRegion } from '../provision/aws-settings.ts';

const who = 'the AWS credentials of the environment';

/** The doors of a verification: AWS as the environment says, registries, and git as the objects of the cluster say. */
export function verifyTools(
  tools: AutomationTools,
  context: CliContext,
  registryEndpoints: Readonly<Record<string, string>>,
): VerifyTools {
  const { client, git, http, signal } = tools;
  const { endpoints } = parseAwsEnvironment(context.env);
  const commitsOf = onceFor(
    (automation: KubeObject) => prepareCommits(automation as ImageUpdateAutomation, tools),
    (automation) => formatKey(keyOf(automation)),
  );
  return {
    hasOwnSts: endpoints.sts !== undefined,
    assumeRole: (roleArn, token, region) =>
      assumeRoleWithWebIdentity(
        {
          roleArn,
          token,
          region,
          endpoints,
          sessionName: 'millrace-verify',
          provider: 'service-account',
          subject: 'the ServiceAccount image-reflector-controller',
        },
        signal,
      ),
    login: (session, host) => getAuthorizationToken(requireEcrHost(host), session, endpoints, signal),
    openRegistry: (credential) =>
      createRegistry({ http, endpoints: registryEndpoints, login: async () => ({ kind: 'password', ...credential }) }),
    readRole: onceFor(
      (name: string) => readRole(name, signingRegion(context), context),
      (name) => name,
    ),
    oidcProvider: (arn) => oidcProvider(arn, context),
    describeRepository: (account, region, name) => describeRepository({ account, region, name }, context),
    waitingMessages: (queueUrl) => waitingMessages(queueUrl, context),
    async fetchJson(url) {
      const answer = await http.send({ url, signal, timeoutMs: 10_000, redirects: 3 });
      if (answer.status === 200) return JSON.parse(await answer.text(1024 * 1024));
      await answer.discard();
      throw new MillraceError('HTTP_UNREACHABLE', `${url} answers ${answer.status}`);
    },
    async remoteHead(repository) {
      const object = repository as GitRepository;
      const remote = await loadRemote(object, { client }, signal);
      return (await resolveCheckoutRef(object.spec.ref ?? {}, { git, remote, signal })).commit;
    },
    async tryPush(automation) {
      for (const { plan, prepared } of await commitsOf(automation)) {
        const target = `refs/heads/${plan.pushBranch}`;
        await pushHead(git, plan.remote, prepared.tree, { signal, target, dryRun: true, force: plan.switchesBranch });
      }
    },
    async previewAutomation(automation) {
      const commits = await commitsOf(automation);
      const findings = commits.flatMap(({ prepared }) => prepared.findings);
      return {
        changes: commits.reduce((sum, { prepared }) => sum + new Set(prepared.changes.map(({ file }) => file)).size, 0),
        findings: findings.map(({ file, line, message }) => `${file}:${line}: ${message}`),
      };
    },
  };
}

/** Asks once for all checks, also when the answer is an error: a clone for an automation, a role of IAM. */
function onceFor<T, Answer>(ask: (about: T) => Promise<Answer>, keyOfIt: (about: T) => string) {
  const known = new Map<string, Promise<Answer>>();
  return (about: T) => {
    const key = keyOfIt(about);
    const answer = known.get(key) ?? ask(about);
    known.set(key, answer);
    return answer;
  };
}

async function oidcProvider(arn: string, context: CliContext) {
  const aws = await import('@aws-sdk/client-iam');
  const iam = new aws.IAMClient(await awsSettings(signingRegion(context), 'iam', context));
  const command = new aws.GetOpenIDConnectProviderCommand({ OpenIDConnectProviderArn: arn });
  try {
    const { ClientIDList = [], ThumbprintList = [] } = await iam.send(command, { abortSignal: context.signal });
    return { clientIds: ClientIDList, thumbprints: ThumbprintList };
  } catch (error) {
    throw awsError(error, `IAM GetOpenIDConnectProvider of ${arn}`, who);
  } finally {
    iam.destroy();
  }
}

async function describeRepository(
  { account, region, name }: { account: string; region: string; name: string },
  context: CliContext,
): Promise<void> {
  const aws = await import('@aws-sdk/client-ecr');
  const ecr = new aws.ECRClient(await awsSettings(region, 'ecr', context));
  const command = new aws.DescribeRepositoriesCommand({ registryId: account, repositoryNames: [name] });
  try {
    await ecr.send(command, { abortSignal: context.signal });
  } catch (error) {
    throw awsError(error, `ECR DescribeRepositories of ${name} in ${account}`, who);
  } finally {
    ecr.destroy();
  }
}

async function waitingMessages(QueueUrl: string, context: CliContext): Promise<number> {
  const aws = await import('@aws-sdk/client-sqs');
  const region = /^https:\/\/sqs\.([\w-]+)\./.exec(QueueUrl)?.[1] ?? signingRegion(context);
  const sqs = new aws.SQSClient(await awsSettings(region, 'sqs', context));
  const command = new aws.GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['ApproximateNumberOfMessages'] });
  try {
    const { Attributes } = await sqs.send(command, { abortSignal: context.signal });
    return Number(Attributes?.ApproximateNumberOfMessages ?? 0);
  } catch (error) {
    throw awsError(error, `SQS GetQueueAttributes of ${QueueUrl}`, who);
  } finally {
    sqs.destroy();
  }
}
