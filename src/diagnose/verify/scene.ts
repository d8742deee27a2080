import { parseEcrHost } from '../../aws/ecr-host.ts';
import type { AwsSession } from '../../aws/identity.ts';
import { textAt } from '../../base/json.ts';
import type { KubeObject } from '../../base/kube-object.ts';
import { type Arn, parseArn } from '../../iam/arn.ts';
import type { KubeClient } from '../../kube/client.ts';
import { parseImageName, type Repository } from '../../oci/reference.ts';
import { fluxKinds } from '../collect/flux-kinds.ts';
import { ClusterReader } from '../collect/reader.ts';
import { reasonOf } from '../reason.ts';
import { failedBy, type Lookup, lookup, Unavailable, unknown } from './check.ts';
import type { VerifyTools } from './tools.ts';

export const scannerName = 'image-reflector-controller';
export const roleAnnotation = 'eks.amazonaws.com/role-arn';
export const audience = 'sts.amazonaws.com';

/** An ECR repository that an ImageRepository scans. */
export interface ScannedRepository {
  object: KubeObject;
  repository: Repository;
  region: string;
  account: string;
}

/** What all checks look at. */
export interface Scene {
  client: KubeClient;
  reader: ClusterReader;
  tools: VerifyTools;
  signal: AbortSignal;
  namespace: string;
  account: KubeObject | undefined;
  /** The annotation of the ServiceAccount, or what the webhook or Pod Identity gave to the pods. */
  roleArn: string | undefined;
  scannerPods: KubeObject[];
  objects: Readonly<Record<string, KubeObject[]>>;
  scanned: ScannedRepository[];
  region: string | undefined;
  token: Lookup<string>;
  session: Lookup<AwsSession>;
}

export interface VerifyOptions {
  /** Namespace of the controllers; by default where image-reflector-controller is. */
  namespace: string | undefined;
  signal: AbortSignal;
  /** What has read the cluster already, where something has. */
  reader?: ClusterReader;
}

function ownReader(client: KubeClient, { namespace, signal }: VerifyOptions): ClusterReader {
  return new ClusterReader(client, signal, undefined, namespace === undefined ? [] : [namespace]);
}

/** Reads the cluster once; what may not be read is in `reader.gaps`. Throws KUBE_… errors where it cannot be reached at all. */
export async function openScene(
  client: KubeClient,
  tools: VerifyTools,
  { namespace: wanted, signal, reader = ownReader(client, { namespace: wanted, signal }) }: VerifyOptions,
): Promise<Scene> {
  // Everybody may ask this; a cluster that cannot be reached is no installation with gaps.
  await client.readPath('/version', { signal });
  const accounts = await reader.list({ apiVersion: 'v1', kind: 'ServiceAccount' });
  const own = accounts.filter(({ metadata }) => metadata.name === scannerName);
  const account =
    own.find(({ metadata }) => metadata.namespace === (wanted ?? 'flux-system')) ??
    (wanted === undefined ? own[0] : undefined);
  const namespace = wanted ?? account?.metadata.namespace ?? 'flux-system';
  const objects = Object.fromEntries(
    await Promise.all(fluxKinds.map(async (kind) => [kind.kind, await reader.listServed(kind)] as const)),
  );
  const pods = await reader.list({ apiVersion: 'v1', kind: 'Pod' });
  const scannerPods = pods.filter(
    ({ metadata }) => metadata.namespace === namespace && metadata.labels?.['app'] === scannerName,
  );
  const roleArn = account?.metadata.annotations?.[roleAnnotation];
  const scanned = (objects['ImageRepository'] ?? []).flatMap(scannedIn);
  const region = scanned[0]?.region;

  const token = lookup(async () => {
    if (account === undefined) throw new Unavailable(unknown('needs the ServiceAccount of 3'));
    const request = { audiences: [audience], expirationSeconds: 600 };
    return (await client.requestToken({ namespace, name: scannerName }, request, { signal })).token;
  }, explainToken);
  const session = lookup(async () => {
    if (roleArn === undefined || parseArn(roleArn) === undefined) throw new Unavailable(unknown('needs the role of 4'));
    const own = await need(token, 10);
    if (!tools.hasOwnSts && isLocal(issuerOf(own)))
      throw new Unavailable(
        unknown('the issuer is on this machine, so AWS cannot know it: set AWS_ENDPOINT_URL to the sandbox'),
      );
    return tools.assumeRole(roleArn, own, region ?? 'us-east-1');
  }, explain);
  return {
    client,
    reader,
    tools,
    signal,
    namespace,
    account,
    roleArn,
    scannerPods,
    objects,
    scanned,
    region,
    token,
    session,
  };
}

/** The claims of a token are read here, its signature is STS's to check. */
function issuerOf(token: string): string {
  const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
  return textAt(claims, 'iss') ?? '';
}

function isLocal(issuer: string): boolean {
  return URL.canParse(issuer) && /^(localhost|127\.[\d.]+|\[::1\])$/.test(new URL(issuer).hostname);
}

function explain(error: unknown) {
  return error instanceof Unavailable ? error.result : failedBy(error);
}

function explainToken(error: unknown) {
  if (error instanceof Unavailable) return error.result;
  return unknown(`a token of ${scannerName} may not be requested: ${reasonOf(error)}`);
}

function scannedIn(object: KubeObject): ScannedRepository[] {
  try {
    const repository = parseImageName(textAt(object, 'spec', 'image') ?? '');
    const host = parseEcrHost(repository.host);
    return host?.kind === 'private' ? [{ object, repository, region: host.region, account: host.account }] : [];
  } catch {
    // What is no image name is the object's own complaint.
    return [];
  }
}

/** The value of a lookup; throws Unavailable, which is the result of the check, where there is none: `from` says why. */
export async function need<T>(found: Lookup<T>, from: number): Promise<T> {
  const result = await found();
  if ('value' in result) return result.value;
  const fate = result.why.verdict === 'fail' ? 'does not hold' : 'could not be made';
  throw new Unavailable(unknown(`needs ${from}, which ${fate}`));
}

/** The name without the path that an ARN may have. */
export function nameOfRole({ resource }: Arn): string {
  return resource.slice(resource.lastIndexOf('/') + 1);
}

/** What reading a role with its policies takes. */
export const readsRole =
  'iam:GetRole, iam:ListRolePolicies, iam:GetRolePolicy, iam:ListAttachedRolePolicies, iam:GetPolicy, iam:GetPolicyVersion';
