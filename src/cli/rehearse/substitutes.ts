import { isRecord, textAt, valueAt } from '../../base/json.ts';
import type { KubeObject, ObjectKey } from '../../base/kube-object.ts';
import { branchOf, repositoryKey } from './sync.ts';

/** What stands in the sandbox for what is outside of it. */
export interface Substitutes {
  /** `repositoryKey` of every URL that is the rehearsed repository. */
  repositories: ReadonlySet<string>;
  /** Its URL in the sandbox, and the branch that holds the rehearsed tree. */
  gitUrl: string;
  branch: string;
  /** Name of the Secret with the sandbox's git credential; made in the namespaces where it is asked for. */
  gitSecret: string;
  /** Registry hosts that are in the sandbox. */
  registryHosts: ReadonlySet<string>;
  /** Images that are known to have a tag: `host/repository`. */
  images: ReadonlySet<string>;
  /** Name of the Secret with the age key; undefined where none was given. */
  sopsSecret: string | undefined;
  /** The scanner's role in the sandbox, and the annotation's values that are that role. */
  role: { arn: string; ownAccount: string };
  /** CustomResourceDefinitions by name, as the sandbox has to have them. */
  definitions: ReadonlyMap<string, KubeObject>;
  /** Makes sure that the namespace has the named Secret of ours. */
  ensureSecret(key: ObjectKey): Promise<void>;
  /** Whether the source of a Kustomization is left alone. */
  isSuspended(source: { kind: string } & ObjectKey): Promise<boolean>;
}

export interface Substitution {
  /** Top-level fields in their new form. */
  change: Record<string, unknown>;
  notes: string[];
  suspended: boolean;
}

const asItIs: Substitution = { change: {}, notes: [], suspended: false };

/** What of an object must be different in the sandbox, and what that leaves unrehearsed. */
export async function substitute(object: KubeObject, known: Substitutes): Promise<Substitution> {
  const { kind } = object;
  if (kind === 'GitRepository') return gitRepository(object, known);
  if (kind === 'Kustomization') return kustomization(object, known);
  if (kind === 'ImageRepository') return imageRepository(object, known);
  if (kind === 'ServiceAccount') return serviceAccount(object, known);
  if (kind === 'CustomResourceDefinition') return definition(object, known);
  const why = remoteKinds[kind];
  return why === undefined ? asItIs : suspend(object, why);
}

const remoteKinds: Record<string, string> = {
  OCIRepository: 'its artifact is in a registry outside of the sandbox',
  Bucket: 'its bucket is outside of the sandbox',
  HelmRepository: 'its charts are outside of the sandbox',
  HelmChart: 'its chart is outside of the sandbox',
  HelmRelease: 'Helm charts are not rehearsed; the object itself is applied',
};

function specOf(object: KubeObject): Record<string, unknown> {
  return isRecord(object['spec']) ? object['spec'] : {};
}

function suspend(object: KubeObject, why: string): Substitution {
  return { change: { spec: { ...specOf(object), suspend: true } }, notes: [why], suspended: true };
}

async function gitRepository(object: KubeObject, known: Substitutes): Promise<Substitution> {
  const url = textAt(object, 'spec', 'url') ?? '';
  if (url !== known.gitUrl && !known.repositories.has(repositoryKey(url))) {
    return suspend(object, `it follows another repository, ${url}`);
  }
  const branch = branchOf(object);
  if (branch !== known.branch) return suspend(object, `it follows another branch, ${branch}`);
  const { secretRef: _, provider: _p, proxySecretRef, verify, serviceAccountName: _s, ...rest } = specOf(object);
  await known.ensureSecret({ namespace: object.metadata.namespace ?? '', name: known.gitSecret });
  const notes: string[] = [];
  if (verify !== undefined) notes.push('signatures of commits are not checked: the rehearsed commit is not signed');
  if (proxySecretRef !== undefined) notes.push('its proxy is not used');
  const spec = { ...rest, url: known.gitUrl, ref: { branch }, secretRef: { name: known.gitSecret } };
  return { change: { spec }, notes, suspended: false };
}

async function kustomization(object: KubeObject, known: Substitutes): Promise<Substitution> {
  const { decryption, ...spec } = specOf(object);
  const { namespace = '' } = object.metadata;
  if (spec['kubeConfig'] !== undefined) return suspend(object, 'it applies to another cluster');
  const source = {
    kind: textAt(spec, 'sourceRef', 'kind') ?? '',
    namespace: textAt(spec, 'sourceRef', 'namespace') ?? namespace,
    name: textAt(spec, 'sourceRef', 'name') ?? '',
  };
  if (await known.isSuspended(source))
    return suspend(object, `its source ${source.kind} ${source.name} is not rehearsed`);
  if (decryption === undefined) return asItIs;
  if (known.sopsSecret === undefined) return { ...asItIs, change: { spec } };
  await known.ensureSecret({ namespace, name: known.sopsSecret });
  const ours = { provider: 'sops', secretRef: { name: known.sopsSecret } };
  return { ...asItIs, change: { spec: { ...spec, decryption: ours } } };
}

function imageRepository(object: KubeObject, known: Substitutes): Substitution {
  const { secretRef, certSecretRef: _c, proxySecretRef: _p, ...spec } = specOf(object);
  const image = String(spec['image'] ?? '');
  const [host = ''] = image.split('/', 1);
  if (!known.registryHosts.has(host)) return suspend(object, `the registry ${host} is outside of the sandbox`);
  if (!known.images.has(image)) return suspend(object, `no tag of ${image} is known; --existing names one`);
  const notes = secretRef === undefined ? [] : [`the login by Secret ${textAt(secretRef, 'name')} is not tried`];
  return {
    change: secretRef === undefined && !('certSecretRef' in specOf(object)) ? {} : { spec },
    notes,
    suspended: false,
  };
}

const roleAnnotation = 'eks.amazonaws.com/role-arn';

/** A role of another account cannot be in the sandbox, which has one account. */
function serviceAccount(object: KubeObject, { role }: Substitutes): Substitution {
  const annotated = object.metadata.annotations?.[roleAnnotation];
  if (annotated === undefined || object.metadata.name !== 'image-reflector-controller') return asItIs;
  const account = /^arn:[\w-]+:iam::(\d{12}):/.exec(annotated)?.[1];
  if (account === undefined || account === role.ownAccount) return asItIs;
  const annotations = { ...object.metadata.annotations, [roleAnnotation]: role.arn };
  const notes = [`the role ${annotated} is of another account than the images; ${role.arn} stands for it`];
  return { change: { metadata: { ...object.metadata, annotations } }, notes, suspended: false };
}

/** The controllers need their own kinds in the versions they know; those of the tree are served besides. */
function definition(object: KubeObject, { definitions }: Substitutes): Substitution {
  const ours = definitions.get(object.metadata.name);
  return ours === undefined ? asItIs : { ...asItIs, change: { spec: valueAt(ours, 'spec') } };
}
