import { isRecord, listAt, valueAt } from '../../base/json.ts';
import type { KubeObject } from '../../base/kube-object.ts';
import { type Check, fail, failedBy, pass, skipped, unknown } from './check.ts';
import type { Scene } from './scene.ts';

/** Checks 28, 29 and 31: the fallback to the node, the way out of the namespace, the events of pushes. */
export const surroundingsChecks: readonly Check<Scene>[] = [
  {
    number: 28,
    name: 'fallback to the node',
    async run({ scannerPods, reader }) {
      const region = (await reader.list({ apiVersion: 'v1', kind: 'Node' }))[0]?.metadata.labels?.[
        'topology.kubernetes.io/region'
      ];
      if (scannerPods.length === 0) return skipped('Millrace never takes the role of its node unless it is told to');
      const query = "'Reservations[].Instances[].[InstanceId,MetadataOptions.HttpPutResponseHopLimit]'";
      return skipped(
        `for information: with a hop limit of 1 pods cannot reach the node's role: aws ec2 describe-instances${region === undefined ? '' : ` --region ${region}`} --query ${query}`,
      );
    },
  },
  {
    number: 29,
    name: 'network',
    async run({ reader, namespace }) {
      const kind = { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy' };
      const policies = await reader.list(kind);
      const gap = reader.gapOf(kind.kind);
      if (gap !== undefined) return unknown(gap.why);
      const closed = policies.filter((policy) => policy.metadata.namespace === namespace && closesHttps(policy));
      if (closed.length === 0) return pass(`no NetworkPolicy in ${namespace} keeps pods from port 443`);
      return fail(
        `${closed.map(({ metadata }) => metadata.name).join(', ')} lets no traffic out to port 443`,
        'Allow egress to TCP 443 (STS, ECR, S3 and the git host) and to DNS.',
        'egress-blocked',
      );
    },
  },
  {
    number: 31,
    name: 'push events',
    needs: 'sqs:GetQueueAttributes',
    async run({ reader, namespace, tools }) {
      const deployments = await reader.list({ apiVersion: 'apps/v1', kind: 'Deployment' });
      const queues = deployments
        .filter(({ metadata }) => metadata.namespace === namespace)
        .flatMap(argumentsOf)
        .flatMap((argument) => /^--ecr-events-queue=(.+)$/.exec(argument)?.[1] ?? []);
      const gap = reader.gapOf('Deployment');
      if (gap !== undefined) return unknown(gap.why);
      if (queues.length === 0) return skipped('no queue of push events: images are found by polling');
      return Promise.all(
        queues.map(async (queue) => {
          try {
            const waiting = await tools.waitingMessages(queue);
            return waiting < 1000
              ? pass(`${queue}: ${waiting} messages wait`)
              : fail(`${queue}: ${waiting} messages wait, nobody takes them`, 'Look at the log of the reflector.');
          } catch (error) {
            return unknown(failedBy(error).evidence);
          }
        }),
      );
    },
  },
];

/** Whether a policy for every pod restricts egress and names no way to 443. */
function closesHttps(policy: KubeObject): boolean {
  const types = valueAt(policy, 'spec', 'policyTypes');
  const egress = valueAt(policy, 'spec', 'egress');
  if (!Array.isArray(types) || !types.includes('Egress')) return false;
  const selector = valueAt(policy, 'spec', 'podSelector');
  if (isRecord(selector) && Object.keys(selector).length > 0) return false;
  return !(Array.isArray(egress) && egress.some(allowsHttps));
}

function allowsHttps(rule: unknown): boolean {
  const ports = valueAt(rule, 'ports');
  if (!Array.isArray(ports) || ports.length === 0) return true;
  return ports.some((entry) => {
    const port = valueAt(entry, 'port');
    const end = valueAt(entry, 'endPort');
    return port === undefined || port === 443 || port === 'https' || inRange(443, port, end);
  });
}

function inRange(wanted: number, from: unknown, to: unknown): boolean {
  return typeof from === 'number' && typeof to === 'number' && from <= wanted && wanted <= to;
}

function argumentsOf(deployment: KubeObject): string[] {
  return listAt(deployment, 'spec', 'template', 'spec', 'containers').flatMap((container) => {
    const args = valueAt(container, 'args');
    if (!Array.isArray(args)) return [];
    // `--flag value` is the same as `--flag=value`.
    return args
      .map(String)
      .map((argument, index) => (/^--[\w-]+$/.test(argument) ? `${argument}=${args[index + 1]}` : argument));
  });
}
