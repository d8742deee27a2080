import { isMillraceError } from '../../../base/error.ts';
import { type PolicyUse, parsePolicy } from '../../../iam/policy-document.ts';
import { AwsFault, validationFault } from '../fault.ts';
import type { PolicyRecord, RoleRecord } from '../iam-store.ts';
import type { AwsContext } from '../service.ts';

/** Checks a document as IAM does when it is handed in. Throws MalformedPolicyDocument or LimitExceeded. */
export function requirePolicy(document: string, use: PolicyUse, limit: { what: string; characters: number }): void {
  // IAM does not count white space.
  if (document.replace(/\s/g, '').length > limit.characters) {
    throw new AwsFault('LimitExceeded', `Cannot exceed quota for ${limit.what}: ${limit.characters}`, 409);
  }
  try {
    parsePolicy(document, use);
  } catch (error) {
    if (isMillraceError(error, 'IAM_POLICY_MALFORMED')) throw new AwsFault('MalformedPolicyDocument', error.message);
    throw error;
  }
}

/** IAM's rule for the names of roles, policies and users. */
export function requireName(name: string, member: string, longest = 64): string {
  if (name.length > longest) {
    throw validationFault(name, member, `Member must have length less than or equal to ${longest}`);
  }
  if (!/^[\w+=,.@-]+$/.test(name)) {
    throw new AwsFault(
      'ValidationError',
      `The specified value for ${member} is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-`,
    );
  }
  return name;
}

export function requirePath(path: string | undefined): string {
  if (path === undefined) return '/';
  if (/^\/([!-~]*\/)?$/.test(path)) return path;
  throw new AwsFault(
    'ValidationError',
    'The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.',
  );
}

export function findRole({ iam }: AwsContext, name: string): RoleRecord {
  const role = iam.roles.get(name);
  if (role === undefined) throw noSuchEntity(`The role with name ${name} cannot be found.`);
  return role;
}

/** A customer-managed or AWS-managed policy. */
export function findPolicy({ iam }: AwsContext, arn: string): PolicyRecord {
  if (!/^arn:[^:]+:iam::(\d{12}|aws):policy\/.+$/.test(arn)) {
    throw new AwsFault('InvalidInput', `ARN ${arn} is not valid.`);
  }
  const policy = iam.policy(arn);
  if (policy === undefined) throw noSuchEntity(`Policy ${arn} does not exist or is not attachable.`);
  return policy;
}

export function noSuchEntity(message: string): AwsFault {
  return new AwsFault('NoSuchEntity', message, 404);
}

export function entityExists(message: string): AwsFault {
  return new AwsFault('EntityAlreadyExists', message, 409);
}

export function deleteConflict(message: string): AwsFault {
  return new AwsFault('DeleteConflict', message, 409);
}

/** Documents are URL-encoded in IAM's answers (RFC 3986). */
export function encodeDocument(document: string): string {
  return encodeURIComponent(document).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}
