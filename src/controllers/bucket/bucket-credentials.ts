import type { Bucket } from '../../api/bucket.ts';
import type { AwsCredentials } from '../../aws/identity.ts';
import { MillraceError } from '../../base/error.ts';
import { keyOf, type ObjectKey } from '../../base/kube-object.ts';
import type { HttpClient } from '../../http/http-client.ts';
import type { KubeClient } from '../../kube/client.ts';
import { firstOf, readSecret, type SecretData } from '../source/secret-data.ts';
import { SourceFault } from '../source/source-fault.ts';
import { transportOf } from '../source/transport.ts';
import { parseError, textOf } from './s3-listing.ts';

/** AWS credentials of an identity. Throws AWS_… errors. */
export interface BucketIdentities {
  /** As the controller, or as a ServiceAccount; `stsEndpoint` stands in for AWS's own. */
  credentials(
    request: { region: string; serviceAccount: ObjectKey | undefined; stsEndpoint: string | undefined },
    signal: AbortSignal,
  ): Promise<AwsCredentials>;
}

export interface CredentialDeps {
  client: KubeClient;
  /** For services without certificates or proxy of their own. */
  http: HttpClient;
  identities: BucketIdentities;
  /** Whether objects may name a ServiceAccount (feature gate `ObjectLevelWorkloadIdentity`). */
  objectLevelWorkloadIdentity?: boolean;
  /** The ServiceAccount of objects that name none, under multi-tenant lock-down. */
  defaultServiceAccount?: string | undefined;
}

export type CredentialSource = (region: string, signal: AbortSignal) => Promise<AwsCredentials | undefined>;

/**
 * How a bucket is logged in to (spec/source.md §2.9, §2.10, §6): keys of `secretRef`, else the AWS identity (`aws`), an LDAP
 * user by the store's own STS, or nobody. Throws SourceFault `InvalidSTSConfiguration`, `FeatureGateDisabled`,
 * `InvalidProviderConfiguration` (stalled), `AuthenticationFailed`.
 */
export async function credentialSourceOf(
  object: Bucket,
  deps: CredentialDeps,
  signal: AbortSignal,
): Promise<CredentialSource> {
  const { spec } = object;
  checkProvider(object, deps);
  if (spec.secretRef !== undefined) {
    const keys = await loadKeys(object, spec.secretRef.name, deps.client, signal);
    return async () => keys;
  }
  if (spec.provider === 'aws') {
    const name = spec.serviceAccountName ?? deps.defaultServiceAccount;
    const { namespace } = keyOf(object);
    const serviceAccount = name ? { namespace, name } : undefined;
    return (region, asking) =>
      deps.identities.credentials({ region, serviceAccount, stsEndpoint: spec.sts?.endpoint }, asking);
  }
  if (spec.sts === undefined) return async () => undefined;
  const credentials = await askLdapSts(object, spec.sts, deps, signal);
  return async () => credentials;
}

function checkProvider({ spec }: Bucket, { objectLevelWorkloadIdentity = false }: CredentialDeps): void {
  const { provider, sts, serviceAccountName } = spec;
  if (provider === 'gcp' || provider === 'azure') {
    const instead = provider === 'gcp' ? "; with HMAC keys, its S3 API can be used by provider 'generic'" : '';
    throw stalled(
      'InvalidProviderConfiguration',
      `provider '${provider}' is not supported by this controller${instead}`,
    );
  }
  if (sts !== undefined && sts.provider !== (provider === 'aws' ? 'aws' : 'ldap')) {
    const only = provider === 'aws' ? 'aws' : 'ldap';
    throw stalled(
      'InvalidSTSConfiguration',
      `'${only}' is the only supported STS provider for the '${provider}' Bucket provider`,
    );
  }
  // Web identity tokens go to this address: whoever may write a Bucket must not have them sent to a server of their own.
  if (sts?.provider === 'aws' && !awsSts.test(sts.endpoint)) {
    throw stalled('InvalidSTSConfiguration', `STS endpoint '${sts.endpoint}' is not one of AWS`);
  }
  if (serviceAccountName !== undefined && !objectLevelWorkloadIdentity) {
    throw stalled(
      'FeatureGateDisabled',
      'to use spec.serviceAccountName for provider authentication please enable the ObjectLevelWorkloadIdentity feature gate in the controller',
    );
  }
}

/** Regional, FIPS and VPC endpoints. */
const awsSts = /^https:\/\/([\w-]+\.)*sts(-fips)?(\.[a-z0-9-]+)?(\.vpce)?\.amazonaws\.com(\.cn)?\/?$/;

async function loadKeys(
  object: Bucket,
  name: string,
  client: KubeClient,
  signal: AbortSignal,
): Promise<AwsCredentials> {
  const data = await loadSecret(object, name, client, signal);
  const accessKeyId = firstOf(data, 'accesskey');
  const secretAccessKey = firstOf(data, 'secretkey');
  if (accessKeyId !== undefined && secretAccessKey !== undefined) {
    return { accessKeyId: accessKeyId.trim(), secretAccessKey: secretAccessKey.trim() };
  }
  throw authFault(`invalid '${name}' secret data: required fields 'accesskey' and 'secretkey'`);
}

const stsTimeoutMs = 15_000;

/** AssumeRoleWithLDAPIdentity of MinIO's STS, which takes its parameters in the query only. */
async function askLdapSts(
  object: Bucket,
  sts: NonNullable<Bucket['spec']['sts']>,
  deps: CredentialDeps,
  signal: AbortSignal,
): Promise<AwsCredentials> {
  const name = sts.secretRef?.name;
  const data = name === undefined ? new Map<string, string>() : await loadSecret(object, name, deps.client, signal);
  const user = firstOf(data, 'username');
  const password = firstOf(data, 'password');
  if (user === undefined || password === undefined) {
    throw authFault(`invalid '${name ?? ''}' secret data for 'ldap' STS provider: required fields username, password`);
  }
  const { proxySecretRef } = object.spec;
  const how = { metadata: object.metadata, spec: { certSecretRef: sts.certSecretRef, proxySecretRef } };
  const transport = await transportOf(how, deps.client, signal);
  const http = transport === undefined ? deps.http : deps.http.derive(transport);
  try {
    const url = new URL(sts.endpoint);
    url.search = new URLSearchParams({
      Action: 'AssumeRoleWithLDAPIdentity',
      Version: '2011-06-15',
      LDAPUsername: user,
      LDAPPassword: password,
    }).toString();
    const headers = { 'content-length': '0' };
    const response = await http.send({ method: 'POST', url, headers, signal, timeoutMs: stsTimeoutMs });
    const answer = await response.text(64 * 1024);
    const accessKeyId = textOf(answer, 'AccessKeyId');
    const secretAccessKey = textOf(answer, 'SecretAccessKey');
    const sessionToken = textOf(answer, 'SessionToken');
    if (response.status === 200 && accessKeyId !== undefined && secretAccessKey !== undefined) {
      return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
    }
    const error = parseError(answer);
    const said = error === undefined ? '' : ` ${error.code}: ${error.message}`;
    throw new MillraceError('BUCKET_REFUSED', `${url.origin}${url.pathname}: HTTP ${response.status}${said}`);
  } finally {
    if (http !== deps.http) await http.close();
  }
}

async function loadSecret(object: Bucket, name: string, client: KubeClient, signal: AbortSignal): Promise<SecretData> {
  const { namespace } = keyOf(object);
  const secret = await readSecret(client, { namespace, name }, signal);
  if (secret !== undefined) return secret.data;
  throw authFault(`failed to get secret '${namespace}/${name}': secrets "${name}" not found`);
}

function authFault(message: string): SourceFault {
  return new SourceFault('AuthenticationFailed', message);
}

function stalled(reason: string, message: string): SourceFault {
  return new SourceFault(reason, message, { kind: 'stalled' });
}
