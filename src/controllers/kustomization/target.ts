import type { Kustomization } from '../../api/kustomization.ts';
import { MillraceError } from '../../base/error.ts';
import { isRecord } from '../../base/json.ts';
import { formatKey, keyOf, type ObjectKey } from '../../base/kube-object.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { KubeConfig } from '../../kube/config.ts';
import { parseKubeConfig } from '../../kube/kubeconfig.ts';
import type { KustomizationDeps } from './deps.ts';
import { workloadConfig } from './workload-kubeconfig.ts';

/** The clusters that Kustomizations apply to, and as whom. Connections to other clusters are kept between runs. */
export interface Targets {
  /** The client to apply with (spec/kustomization.md §10). Throws KUBECONFIG_INVALID and what reading the Secret throws. */
  clientOf(object: Kustomization, signal: AbortSignal): Promise<KubeClient>;
  /** Closes the connection of a Kustomization that is gone. */
  forget(key: ObjectKey): Promise<void>;
}

interface Connection {
  /** What it was made from; another one takes its place when this changes. */
  fingerprint: string;
  client: KubeClient & { close(): Promise<void> };
}

export function createTargets(deps: KustomizationDeps): Targets {
  const connections = new Map<string, Connection>();

  const forget = async (key: ObjectKey) => {
    const connection = connections.get(formatKey(key));
    connections.delete(formatKey(key));
    await connection?.client.close();
  };

  const remoteClient = async (object: Kustomization, signal: AbortSignal): Promise<KubeClient> => {
    const { connect } = deps;
    if (connect === undefined) throw invalid('spec.kubeConfig', 'other clusters are not supported here');
    const { fingerprint, config } = await readKubeConfig(object, deps, signal);
    const known = connections.get(formatKey(keyOf(object)));
    if (known?.fingerprint === fingerprint) return known.client;
    await forget(keyOf(object));
    const client = connect(await config());
    connections.set(formatKey(keyOf(object)), { fingerprint, client });
    return client;
  };

  return {
    forget,
    async clientOf(object, signal) {
      const base = object.spec.kubeConfig === undefined ? deps.client : await remoteClient(object, signal);
      const account = impersonatedAccount(object, deps);
      return account === undefined
        ? base
        : base.impersonate(`system:serviceaccount:${account.namespace}:${account.name}`);
    },
  };
}

/** The ServiceAccount that acts for a Kustomization; undefined where the controller acts as itself. */
export function impersonatedAccount(
  { spec, metadata }: Kustomization,
  { defaultServiceAccount }: KustomizationDeps,
): ObjectKey | undefined {
  const name = spec.serviceAccountName || defaultServiceAccount;
  return !name ? undefined : { namespace: metadata.namespace ?? '', name };
}

interface FoundKubeConfig {
  fingerprint: string;
  config(): Promise<KubeConfig>;
}

async function readKubeConfig(
  { spec, metadata }: Kustomization,
  deps: KustomizationDeps,
  signal: AbortSignal,
): Promise<FoundKubeConfig> {
  const { secretRef, configMapRef } = spec.kubeConfig ?? {};
  const namespace = metadata.namespace ?? '';
  const kind = secretRef === undefined ? 'ConfigMap' : 'Secret';
  const name = secretRef?.name ?? configMapRef?.name ?? '';
  const where = `${kind}/${namespace}/${name}`;
  const object = await deps.client.get({ apiVersion: 'v1', kind, namespace, name }, { signal });
  if (object === undefined) {
    throw new MillraceError(
      'KUBECONFIG_INVALID',
      `unable to read KubeConfig ${kind.toLowerCase()} '${namespace}/${name}': not found`,
    );
  }
  const data = (isRecord(object['data']) ? object['data'] : {}) as Record<string, string>;
  const fingerprint = `${where}@${object.metadata.uid}/${object.metadata.resourceVersion}`;
  if (secretRef === undefined)
    return { fingerprint, config: () => workloadConfig({ where, namespace, data }, deps, signal) };
  return { fingerprint, config: () => secretConfig(where, data, secretRef.key, deps) };
}

async function secretConfig(
  where: string,
  data: Readonly<Record<string, string>>,
  key: string | undefined,
  { insecureKubeconfigExec = false, insecureKubeconfigTls = false }: KustomizationDeps,
): Promise<KubeConfig> {
  const encoded = key === undefined ? (data['value'] ?? data['value.yaml']) : data[key];
  if (encoded === undefined) {
    throw invalid(
      where,
      key === undefined ? "it has neither a key 'value' nor 'value.yaml'" : `it has no key '${key}'`,
    );
  }
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const config = await parseKubeConfig(text, { where, allowExec: insecureKubeconfigExec });
  if (insecureKubeconfigTls) return config;
  const { insecureSkipTlsVerify: _, ...secure } = config;
  return secure;
}

function invalid(where: string, what: string): MillraceError {
  return new MillraceError('KUBECONFIG_INVALID', `${where}: ${what}`);
}
