import { textAt, valueAt } from '../../base/json.ts';
import type { KubeObject } from '../../base/kube-object.ts';
import type { Facts } from '../doctor/rule.ts';
import type { ClusterReader } from './reader.ts';
import { gitSecretFacts } from './secret-facts.ts';

/** What the object itself and the objects it names say, by the names of spec/failure-codes.md. */
export async function objectFacts(reader: ClusterReader, object: KubeObject): Promise<Facts> {
  const facts: Record<string, unknown> = {
    ...placeOf(object),
    suspend: valueAt(object, 'spec', 'suspend') === true,
    service_account: textAt(object, 'spec', 'serviceAccountName') ?? null,
  };
  Object.assign(facts, await (byKind[object.kind]?.(object, reader) ?? {}));
  return facts;
}

/** Which object a report is about. */
export function placeOf({ kind, metadata }: KubeObject): Facts {
  return { object_kind: kind, object_namespace: metadata.namespace, object_name: metadata.name };
}

const byKind: Record<string, (object: KubeObject, reader: ClusterReader) => Promise<Facts> | Facts> = {
  ImageRepository: registryFacts,
  OCIRepository: registryFacts,
  HelmRepository: registryFacts,
  ImagePolicy: policyFacts,
  GitRepository: gitFacts,
  ImageUpdateAutomation: automationFacts,
  Kustomization: (object) => ({
    path: textAt(object, 'spec', 'path') ?? null,
    target_namespace: textAt(object, 'spec', 'targetNamespace') ?? null,
    decryption_provider: textAt(object, 'spec', 'decryption', 'provider') ?? null,
    timeout: textAt(object, 'spec', 'timeout') ?? null,
  }),
};

function registryFacts(object: KubeObject): Facts {
  const image = textAt(object, 'spec', 'image') ?? textAt(object, 'spec', 'url')?.replace(/^oci:\/\//, '');
  const account = /^(\d{12})\.dkr[.-]ecr/.exec(image ?? '')?.[1];
  return {
    image: image ?? null,
    image_provider: textAt(object, 'spec', 'provider') ?? null,
    registry_secret: textAt(object, 'spec', 'secretRef', 'name') ?? null,
    ...(account === undefined ? {} : { registry_account: account }),
  };
}

async function policyFacts(object: KubeObject, reader: ClusterReader): Promise<Facts> {
  const name = textAt(object, 'spec', 'imageRepositoryRef', 'name') ?? '';
  const namespace = textAt(object, 'spec', 'imageRepositoryRef', 'namespace') ?? object.metadata.namespace;
  const repository = await reader.get({ apiVersion: object.apiVersion, kind: 'ImageRepository', namespace, name });
  const tags = valueAt(repository, 'status', 'lastScanResult', 'tagCount');
  return {
    policy: {
      semver: textAt(object, 'spec', 'policy', 'semver', 'range') ?? null,
      filter_pattern: textAt(object, 'spec', 'filterTags', 'pattern') ?? null,
      extract: textAt(object, 'spec', 'filterTags', 'extract') ?? null,
    },
    image: textAt(repository, 'spec', 'image'),
    image_repository: name,
    ...(typeof tags === 'number'
      ? { tags_found: tags, tags: valueAt(repository, 'status', 'lastScanResult', 'latestTags') }
      : {}),
  };
}

async function gitFacts(object: KubeObject, reader: ClusterReader): Promise<Facts> {
  const facts: Record<string, unknown> = {
    git_url: textAt(object, 'spec', 'url') ?? null,
    git_provider: textAt(object, 'spec', 'provider') ?? null,
    git_branch: textAt(object, 'spec', 'ref', 'branch') ?? null,
  };
  const name = textAt(object, 'spec', 'secretRef', 'name');
  if (name === undefined) return { ...facts, git_secret_name: null };
  const secret = await reader.get({ apiVersion: 'v1', kind: 'Secret', namespace: object.metadata.namespace, name });
  return secret === undefined ? { ...facts, git_secret_name: name } : { ...facts, ...gitSecretFacts(secret) };
}

async function automationFacts(object: KubeObject, reader: ClusterReader): Promise<Facts> {
  const name = textAt(object, 'spec', 'sourceRef', 'name') ?? '';
  const namespace = textAt(object, 'spec', 'sourceRef', 'namespace') ?? object.metadata.namespace;
  const ref = { apiVersion: 'source.toolkit.fluxcd.io/v1', kind: 'GitRepository', namespace, name };
  const repository = await reader.get(ref);
  const policies = await reader.list({ apiVersion: object.apiVersion, kind: 'ImagePolicy' });
  return {
    ...(repository === undefined ? {} : await gitFacts(repository, reader)),
    automation_namespace: object.metadata.namespace,
    policy_namespaces: [...new Set(policies.map((policy) => policy.metadata.namespace))],
    update_path: textAt(object, 'spec', 'update', 'path') ?? null,
    push_branch: textAt(object, 'spec', 'git', 'push', 'branch') ?? null,
  };
}
