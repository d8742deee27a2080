import type { ImageRepository } from '../../api/image-repository.ts';
import type { OCIRepository } from '../../api/oci-repository.ts';
import type { EcrLogins, EcrLoginUser } from '../../aws/ecr-login.ts';
import type { AwsIdentity } from '../../aws/identity.ts';
import type { AccountRef } from '../../aws/identity-sources.ts';
import { errorMessage, MillraceError } from '../../base/error.ts';
import { isRecord } from '../../base/json.ts';
import type { KubeObject, ObjectKey } from '../../base/kube-object.ts';
import type { HttpClient } from '../../http/http-client.ts';
import type { KubeClient } from '../../kube/client.ts';
import {
  type DockerConfigEntry,
  matchDockerConfig,
  parseDockerConfig,
  type RegistryCredential,
} from '../../oci/docker-config.ts';
import { parseImageName, type Repository } from '../../oci/reference.ts';
import { createRegistry, type Registry } from '../../oci/registry.ts';
import { readSecret, type SecretData } from '../source/secret-data.ts';
import { transportOf } from '../source/transport.ts';

/** The registry of an ImageRepository, open for its credentials. */
export interface OpenRegistry {
  registry: Registry;
  repository: Repository;
  /** Who logged in at AWS; undefined before the login and for other providers. */
  identity(): AwsIdentity | undefined;
  close(): Promise<void>;
}

/** What of an object says how its registry is reached. */
export interface RegistryUser {
  metadata: KubeObject['metadata'];
  spec: Pick<
    ImageRepository['spec'] & OCIRepository['spec'],
    'provider' | 'secretRef' | 'serviceAccountName' | 'certSecretRef' | 'proxySecretRef' | 'insecure'
  >;
}

export interface RegistryAccess {
  /**
   * The same for an artifact, where the order is another (spec/source.md §5.2): pull secrets first, the provider only
   * where there are none; and `insecure` without a certificate of its own also turns the check of certificates off.
   */
  openArtifact(object: RegistryUser, repository: Repository, signal: AbortSignal): Promise<OpenRegistry>;
  /**
   * Reads the Secrets of an ImageRepository and opens its registry (spec/image.md §3). Logins are made when the registry
   * asks for one. Throws REGISTRY_OPTIONS with Flux's text for anything missing or malformed.
   */
  open(object: ImageRepository, signal: AbortSignal): Promise<OpenRegistry>;
}

export interface RegistryAccessOptions {
  client: KubeClient;
  ecr: EcrLogins;
  /** For registries without certificates or proxy of their own. */
  http: HttpClient;
  /** Registry host → base URL, for registries that are reached elsewhere than their name says. */
  endpoints?: Readonly<Record<string, string>>;
  /** The ServiceAccount of objects that name none, under multi-tenant lock-down. */
  defaultServiceAccount?: string | undefined;
}

export function createRegistryAccess(options: RegistryAccessOptions): RegistryAccess {
  return {
    open: (object, signal) => openRegistry(object, parseImageName(object.spec.image), { ...options, signal }),
    openArtifact: (object, repository, signal) =>
      openRegistry(object, repository, { ...options, signal, isArtifact: true }),
  };
}

async function openRegistry(
  object: RegistryUser,
  repository: Repository,
  options: RegistryAccessOptions & { signal: AbortSignal; isArtifact?: boolean },
): Promise<OpenRegistry> {
  const { signal, isArtifact = false } = options;
  const { insecure = false, certSecretRef } = object.spec;
  const transport = await transportOf(object, options.client, signal);
  const skipTlsVerify = isArtifact && insecure && certSecretRef === undefined;
  const own = skipTlsVerify ? { ...transport, insecureSkipTlsVerify: true } : transport;
  const http = own === undefined ? options.http : options.http.derive(own);
  const ecrUser = { serviceAccount: accountOf(object, options), proxy: transport?.proxy?.https };
  let identity: AwsIdentity | undefined;
  const keychain = isArtifact ? await pullSecrets(object, options.client, signal) : [];
  const login = keychain.some((entries) => entries.length > 0)
    ? pullSecretLogin(keychain)
    : await loginOf(object, { ...options, ecrUser }, signal, (who) => {
        identity = who;
      });
  // Artifacts report a failed login as such; for images it is part of the scan.
  if (isArtifact && object.spec.provider !== 'generic') await login(repository, signal);
  const registry = createRegistry({
    http,
    login,
    insecure,
    ...(object.spec.provider === 'aws' && {
      onRefused: ({ host }) => options.ecr.drop(host, ecrUser),
    }),
    ...(options.endpoints !== undefined && { endpoints: options.endpoints }),
  });
  const close = async () => {
    if (http !== options.http) await http.close();
  };
  return { registry, repository, identity: () => identity, close };
}

type Login = (repository: Repository, signal: AbortSignal) => Promise<RegistryCredential | undefined>;

async function loginOf(
  object: RegistryUser,
  options: RegistryAccessOptions & { ecrUser: EcrLoginUser },
  signal: AbortSignal,
  onIdentity: (identity: AwsIdentity) => void,
): Promise<Login> {
  const { client, ecr, ecrUser } = options;
  const { provider } = object.spec;
  if (provider === 'azure' || provider === 'gcp') {
    throw fault(`provider '${provider}' is not supported; use secretRef or provider: aws`);
  }
  // With a provider, pull secrets are not consulted at all (spec/image.md §3.1).
  if (provider !== 'aws') return pullSecretLogin(await pullSecrets(object, client, signal));
  return async ({ host }, loginSignal) => {
    const login = await ecr.login(host, { ...ecrUser, signal: loginSignal });
    onIdentity(login.identity);
    return { kind: 'password', username: login.username, password: login.password };
  };
}

/** The ServiceAccount as which an object asks AWS; undefined: as the controller. */
function accountOf(
  { spec, metadata }: RegistryUser,
  { defaultServiceAccount }: Pick<RegistryAccessOptions, 'defaultServiceAccount'>,
): AccountRef | undefined {
  const namespace = metadata.namespace ?? '';
  if (spec.serviceAccountName) return { namespace, name: spec.serviceAccountName };
  return defaultServiceAccount ? { namespace, name: defaultServiceAccount, isDefault: true } : undefined;
}

function pullSecretLogin(secrets: readonly DockerConfigEntry[][]): Login {
  return async (repository) => {
    for (const entries of secrets) {
      const credential = matchDockerConfig(entries, repository);
      if (credential !== undefined) return credential;
    }
    return undefined;
  };
}

/** `secretRef` first, then the image pull secrets of the ServiceAccount (spec/image.md §3.2). */
async function pullSecrets(
  object: RegistryUser,
  client: KubeClient,
  signal: AbortSignal,
): Promise<DockerConfigEntry[][]> {
  const namespace = object.metadata.namespace ?? '';
  const { secretRef, serviceAccountName } = object.spec;
  const configs: DockerConfigEntry[][] = [];
  if (secretRef !== undefined)
    configs.push(dockerConfigOf(await requireSecret(client, { namespace, name: secretRef.name }, signal)));
  if (!serviceAccountName) return configs;
  const account = `${namespace}/${serviceAccountName}`;
  const ref = { apiVersion: 'v1', kind: 'ServiceAccount', namespace, name: serviceAccountName };
  const serviceAccount = await client.get(ref, { signal });
  if (serviceAccount === undefined) throw fault(`serviceaccount '${account}' not found`);
  for (const name of imagePullSecretNames(serviceAccount)) {
    const secret = await readSecret(client, { namespace, name }, signal);
    if (secret === undefined) {
      throw fault(
        `failed to get image pull secret for serviceaccount '${account}': secret '${namespace}/${name}' not found`,
      );
    }
    configs.push(dockerConfigOf(secret));
  }
  return configs;
}

function imagePullSecretNames(serviceAccount: KubeObject): string[] {
  const refs = Array.isArray(serviceAccount['imagePullSecrets']) ? serviceAccount['imagePullSecrets'] : [];
  return refs
    .map((ref: unknown) => (isRecord(ref) ? ref['name'] : undefined))
    .filter((name) => typeof name === 'string');
}

/** Secrets of other types count as none (spec/image.md §3.3). */
function dockerConfigOf({ type, data }: { type: string; data: SecretData }): DockerConfigEntry[] {
  if (type === 'kubernetes.io/dockerconfigjson') return parseDockerConfig(data.get('.dockerconfigjson') ?? '');
  if (type === 'kubernetes.io/dockercfg') return parseDockerConfig(data.get('.dockercfg') ?? '');
  return [];
}

async function requireSecret(client: KubeClient, key: ObjectKey, signal: AbortSignal) {
  const secret = await readSecret(client, key, signal);
  if (secret === undefined)
    throw fault(`failed to get secret '${key.namespace}/${key.name}': secrets "${key.name}" not found`);
  return secret;
}

function fault(message: string): MillraceError {
  return new MillraceError('REGISTRY_OPTIONS', message, {
    hint: 'Check the references in the spec of the object and what they point at.',
  });
}

/** `failed to configure authentication options: …`, the message of reason AuthenticationFailed. */
export function authenticationMessage(error: unknown): string {
  return `failed to configure authentication options: ${errorMessage(error)}`;
}
