import { MillraceError } from '../../base/error.ts';
import type { ObjectKey } from '../../base/kube-object.ts';
import type { IssuedToken, KubeConfig } from '../../kube/config.ts';
import { gatesOf, type KustomizationDeps } from './deps.ts';

/** A ConfigMap that names a cluster, and the ServiceAccount whose identity it is shown (spec/kustomization.md §10). */
export interface WorkloadTarget {
  /** `ConfigMap/namespace/name`, for messages. */
  where: string;
  namespace: string;
  data: Readonly<Record<string, string>>;
}

/** A cluster without a stored credential: the identity of a ServiceAccount is shown to it, or to its cloud. Throws KUBECONFIG_INVALID. */
export async function workloadConfig(
  target: WorkloadTarget,
  deps: KustomizationDeps,
  signal: AbortSignal,
): Promise<KubeConfig> {
  const { where, data } = target;
  const account = accountOf(target, deps);
  switch (data['provider']) {
    case 'aws':
      return eksConfig(target, account, deps, signal);
    case 'generic':
      return genericConfig(target, account ?? deps.controllerServiceAccount, deps);
    case 'azure':
    case 'gcp':
      throw invalid(where, `the provider '${data['provider']}' is not supported`, 'Use a kubeconfig in a Secret.');
    default:
      throw invalid(where, `the key provider is '${data['provider'] ?? ''}'`, 'Known are aws and generic.');
  }
}

function accountOf({ where, namespace, data }: WorkloadTarget, deps: KustomizationDeps): ObjectKey | undefined {
  const own = data['serviceAccountName'];
  if (own && !gatesOf(deps).objectLevelWorkloadIdentity) {
    throw invalid(
      where,
      'serviceAccountName needs the feature gate ObjectLevelWorkloadIdentity',
      'Start the controller with --feature-gates=ObjectLevelWorkloadIdentity=true.',
    );
  }
  const name = own || deps.defaultKubeconfigServiceAccount;
  return name ? { namespace, name } : undefined;
}

async function eksConfig(
  { where, data }: WorkloadTarget,
  account: ObjectKey | undefined,
  { eks }: KustomizationDeps,
  signal: AbortSignal,
): Promise<KubeConfig> {
  const { cluster: arn, address, 'ca.crt': ca } = data;
  if (arn === undefined) {
    throw invalid(where, 'the key cluster is missing', 'It holds arn:aws:eks:REGION:ACCOUNT:cluster/NAME.');
  }
  if (eks === undefined) throw invalid(where, 'the provider aws is not supported here');
  const isKnown = address !== undefined && ca !== undefined;
  const described = isKnown ? { endpoint: address, ca } : await eks.describe(arn, account, signal);
  return {
    name: where,
    server: (address ?? described.endpoint).replace(/\/+$/, ''),
    ca: ca ?? described.ca,
    namespace: 'default',
    credentials: { kind: 'issued', issue: (issuing) => eks.token(arn, account, issuing) },
  };
}

function genericConfig(
  { where, data }: WorkloadTarget,
  account: ObjectKey | undefined,
  { client }: KustomizationDeps,
): KubeConfig {
  const { address, 'ca.crt': ca } = data;
  if (address === undefined) throw invalid(where, 'the key address is missing', 'It holds the URL of the API server.');
  if (account === undefined) throw invalid(where, 'the key serviceAccountName is missing');
  const audiences = (data['audiences'] ?? address).split(/[\s,]+/).filter((audience) => audience !== '');
  const issue = async (signal: AbortSignal): Promise<IssuedToken> => {
    const { token, expirationTimestamp } = await client.requestToken(account, { audiences }, { signal });
    return { token, expiresAt: Date.parse(expirationTimestamp) };
  };
  return {
    name: where,
    server: address.replace(/\/+$/, ''),
    namespace: 'default',
    credentials: { kind: 'issued', issue },
    ...(ca === undefined ? {} : { ca }),
  };
}

function invalid(where: string, what: string, hint?: string): MillraceError {
  return new MillraceError('KUBECONFIG_INVALID', `${where}: ${what}`, hint === undefined ? {} : { hint });
}
