import type { RoleReader } from '../../diagnose/collect/aws-facts.ts';
import type { SandboxAccess } from '../../sandbox/sandbox-access.ts';
import { readRoleWith } from '../iam/role.ts';

/** The sandbox's IAM for a diagnosis, asked as its administrator. */
export function sandboxRoles({ aws }: SandboxAccess): RoleReader {
  const { url, account, accessKeyId, secretAccessKey } = aws;
  const settings = { endpoint: url, region: account.region, credentials: { accessKeyId, secretAccessKey } };
  return { role: (name, signal) => readRoleWith(settings, name, signal) };
}
