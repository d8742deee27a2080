import { dnsSuffix } from '../../aws/signer.ts';
import type { Configuration } from '../../provision/configuration.ts';
import type { Installation } from '../../provision/installation.ts';
import type { Step } from '../../provision/plan.ts';
import type { CommandResult } from '../context.ts';

/** What is still to be done by hand: what brings the controllers, and with engine flux the kinds that wait for them. */
export function withNextSteps(
  result: CommandResult,
  waiting: readonly string[],
  steps: readonly Step[],
  { configuration, installation }: { configuration: Configuration; installation: Installation },
): CommandResult {
  const isFirst = steps.some(({ action, what }) => action === 'create' && what.startsWith('ServiceAccount/'));
  const next =
    waiting.length > 0
      ? operatorCommand(waiting, configuration)
      : isFirst
        ? chartCommand(configuration, installation)
        : undefined;
  if (next === undefined) return result;
  const lines = [
    ...waiting.map((ref) => `waits    ${ref}: the cluster does not know the kind yet`),
    `next     ${next}`,
    waiting.length > 0
      ? '         and then `millrace provision apply` again'
      : '         or `millrace run`, to have the controllers in this terminal',
  ];
  return {
    ...result,
    data: { ...(result.data as object), waiting, next },
    text: [result.text, ...lines].join('\n'),
  };
}

function operatorCommand(waiting: readonly string[], { flux, cluster }: Configuration): string {
  const chart = 'oci://ghcr.io/controlplaneio-fluxcd/charts/flux-operator';
  return waiting.some((ref) => ref.startsWith('FluxInstance/'))
    ? `helm install flux-operator ${chart} --version ${flux.operatorVersion} --namespace ${cluster.namespace} --wait`
    : `kubectl -n ${cluster.namespace} wait fluxinstance/flux --for=condition=Ready --timeout=5m`;
}

/** Accounts, rights and definitions are there: the chart brings the pods. */
function chartCommand({ millrace, events }: Configuration, { aws, namePrefix, namespace }: Installation): string {
  const registry = `${aws.account}.dkr.ecr.${aws.region}.${dnsSuffix(aws.region)}`;
  const charts = millrace.charts ?? `oci://${registry}/charts`;
  const place = charts.startsWith('https:') ? `millrace --repo ${charts}` : `${charts}/millrace`;
  const queue = `https://sqs.${aws.region}.${dnsSuffix(aws.region)}/${aws.account}/${namePrefix}-ecr-push`;
  const values = [
    `topology=${millrace.topology}`,
    `image.repository=${millrace.image ?? `${registry}/millrace`}`,
    ...(events ? [`ecr.eventsQueue=${queue}`] : []),
    ...['serviceAccount.create=false', 'rbac.create=false'],
  ];
  const version = /^[./]/.test(charts) ? '' : ` --version ${millrace.version}`;
  return `helm install millrace ${place}${version} --namespace ${namespace} --skip-crds --set ${values.join(',')}`;
}
