import {
  CreateOpenIDConnectProviderCommand,
  CreateRoleCommand,
  IAMClient,
  PutRolePolicyCommand,
} from '@aws-sdk/client-iam';
import { errorMessage } from '../../base/error.ts';
import { ecrPolicy } from '../../iam/ecr-policy.ts';
import { parsePolicy } from '../../iam/policy-document.ts';
import { issuerKey, oidcProviderArn } from '../../iam/trust.ts';
import { irsaTrustPolicy } from '../../iam/trust-policy.ts';
import type { SandboxAccess } from '../../sandbox/sandbox-access.ts';
import type { Note } from './stand-ins.ts';
import { impossible } from './tree.ts';

/** An IAM document of the user's: its text, and the file it is from. */
export interface GivenDocument {
  file: string;
  text: string;
}

export interface RehearsedRole {
  arn: string;
  trust: string;
  policies: { name: string; document: string }[];
  notes: Note[];
}

export interface RoleOptions {
  /** ARN that the tree annotates the scanner's ServiceAccount with. */
  annotated: string | undefined;
  trust: GivenDocument | undefined;
  policies: readonly GivenDocument[];
  /** The issuer that the trust policy names; by default the only one in it. */
  issuer: string | undefined;
  account: { partition: string; id: string; region: string };
  sandboxIssuer: string;
  namespace: string;
  repositories: readonly string[];
}

const scanner = 'image-reflector-controller';

/** The scanner's role as it is to be in the sandbox: with the user's documents where they are given. Throws REHEARSAL_IMPOSSIBLE. */
export function planRole(options: RoleOptions): RehearsedRole {
  const { annotated, account, namespace, repositories, sandboxIssuer } = options;
  const { partition, id, region } = account;
  const isOwn = annotated?.includes(`:iam::${id}:role/`) === true;
  const arn = isOwn ? annotated : `arn:${partition}:iam::${id}:role/rehearsal-${scanner}`;
  const notes: Note[] = [];
  const providerArn = oidcProviderArn(partition, id, sandboxIssuer);
  let trust = JSON.stringify(
    irsaTrustPolicy([{ providerArn, issuer: sandboxIssuer, serviceAccounts: [{ namespace, name: scanner }] }]),
  );
  if (options.trust === undefined)
    notes.push({ what: 'trust policy', why: 'none was given (--trust); one that fits was used' });
  else trust = ofThisCluster(options.trust, options.issuer, sandboxIssuer);
  const policies = options.policies.map((given, index) => ({ name: `given-${index}`, document: given.text }));
  for (const given of options.policies) requirePolicy(given, 'identity');
  if (policies.length === 0) {
    notes.push({ what: 'IAM policy', why: 'none was given (--policy); one that allows the scans was used' });
    const document = ecrPolicy('scan+meta', [{ partition, region, account: id, repositories }]);
    policies.push({ name: 'rehearsal', document: JSON.stringify(document) });
  }
  return { arn, trust, policies, notes };
}

/** The trust policy with the sandbox's issuer in the place of the real cluster's; everything else is taken at its word. */
function ofThisCluster(given: GivenDocument, issuer: string | undefined, sandboxIssuer: string): string {
  requirePolicy(given, 'trust');
  const named = [...given.text.matchAll(/oidc-provider\/([^"\\]+)"/g)].map(([, key = '']) => key);
  const [only] = issuer === undefined ? new Set(named) : [issuerKey(issuer)];
  if (only === undefined) return given.text;
  if (issuer === undefined && new Set(named).size > 1) {
    throw impossible(
      `${given.file} trusts several issuers`,
      undefined,
      `Say which is this cluster's with --issuer: ${[...new Set(named)].join(', ')}.`,
    );
  }
  return given.text.replaceAll(only, issuerKey(sandboxIssuer));
}

function requirePolicy({ file, text }: GivenDocument, use: 'identity' | 'trust'): void {
  try {
    parsePolicy(text, use, file);
  } catch (cause) {
    throw impossible(
      `${file} is not a ${use === 'trust' ? 'trust' : 'permissions'} policy: ${errorMessage(cause)}`,
      cause,
    );
  }
}

/** Makes the OIDC provider and the role in the sandbox's account. */
export async function makeIdentity(role: RehearsedRole, access: SandboxAccess): Promise<void> {
  const { url, account, accessKeyId, secretAccessKey } = access.aws;
  const settings = { endpoint: url, region: account.region, credentials: { accessKeyId, secretAccessKey } };
  const iam = new IAMClient(settings);
  try {
    const issuer = `https://${issuerKey(access.kubernetes.issuer)}`;
    await iam.send(new CreateOpenIDConnectProviderCommand({ Url: issuer, ClientIDList: ['sts.amazonaws.com'] }));
    const [, path = '/', name = ''] = /:role(\/(?:.*\/)?)([^/]+)$/.exec(role.arn) ?? [];
    await iam.send(new CreateRoleCommand({ RoleName: name, Path: path, AssumeRolePolicyDocument: role.trust }));
    for (const { name: PolicyName, document: PolicyDocument } of role.policies)
      await iam.send(new PutRolePolicyCommand({ RoleName: name, PolicyName, PolicyDocument }));
  } finally {
    iam.destroy();
  }
}
