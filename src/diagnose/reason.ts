import { errorMessage, isMillraceError } from '../base/error.ts';

const forbidden =
  /User "([^"]+)" cannot (\w+) resource "([^"]+)" in API group "([^"]*)"(?: (at the cluster scope|in the namespace "[^"]+"))?/;

/**
 * Why something could not be looked at. A refusal of RBAC becomes who may not do what, and where; everything else is told in its
 * own words.
 */
export function reasonOf(error: unknown): string {
  const message = errorMessage(error);
  const [, user, verb, resource, group, where = ''] = forbidden.exec(message) ?? [];
  if (user !== undefined)
    return `${user} may not ${verb} ${group === '' ? resource : `${resource}.${group}`} ${where}`.trim();
  if (/Could not resolve credentials using profile: \[default\]/.test(message))
    return 'no AWS credentials in the environment (AWS_ACCESS_KEY_ID …, or AWS_PROFILE)';
  return message;
}

/** Whether an error comes from what whoever diagnoses may not read, rather than from what is diagnosed. */
export function isOwnLack(error: unknown): boolean {
  if (isMillraceError(error, 'KUBE_FORBIDDEN', 'KUBE_CREDENTIALS')) return true;
  return error instanceof Error && error.cause !== undefined && isOwnLack(error.cause);
}
