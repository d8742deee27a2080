import { isMillraceError } from '../../../base/error.ts';
import { parsePolicy } from '../../../iam/policy-document.ts';
import { AwsFault, validationFault } from '../fault.ts';
import type { RoleRecord } from '../iam-store.ts';
import type { QueryParams } from '../query-params.ts';

/** The parameters that both AssumeRole calls have, checked as STS checks them. */
export interface SessionParams {
  roleArn: string;
  sessionName: string;
  /** Seconds; undefined: the default of the call. */
  durationSeconds: number | undefined;
  policy: string | undefined;
}

const defaultDurationSeconds = 3600;

export function readSessionParams(params: QueryParams): SessionParams {
  const roleArn = params.required('RoleArn');
  if (roleArn.length < 20) {
    throw validationFault(roleArn, 'roleArn', 'Member must have length greater than or equal to 20');
  }
  const sessionName = params.required('RoleSessionName');
  if (sessionName.length > 64) {
    throw validationFault(sessionName, 'roleSessionName', 'Member must have length less than or equal to 64');
  }
  if (sessionName.length < 2) {
    throw validationFault(sessionName, 'roleSessionName', 'Member must have length greater than or equal to 2');
  }
  if (!/^[\w+=,.@-]*$/.test(sessionName)) {
    throw validationFault(
      sessionName,
      'roleSessionName',
      'Member must satisfy regular expression pattern: [\\w+=,.@-]*',
    );
  }
  const durationSeconds = params.number('DurationSeconds');
  if (durationSeconds !== undefined && durationSeconds < 900) {
    throw validationFault(
      String(durationSeconds),
      'durationSeconds',
      'Member must have value greater than or equal to 900',
    );
  }
  if (durationSeconds !== undefined && durationSeconds > 43_200) {
    throw validationFault(
      String(durationSeconds),
      'durationSeconds',
      'Member must have value less than or equal to 43200',
    );
  }
  if (!/^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/.test(roleArn)) {
    throw new AwsFault('ValidationError', 'Request ARN is invalid');
  }
  const policy = params.optional('Policy');
  if (policy !== undefined) requireSessionPolicy(policy);
  return { roleArn, sessionName, durationSeconds, policy };
}

/** Seconds that a session of `role` lasts. Throws when more is asked for than the role allows. */
export function sessionDuration({ durationSeconds = defaultDurationSeconds }: SessionParams, role: RoleRecord): number {
  if (durationSeconds > role.maxSessionDuration) {
    throw new AwsFault(
      'ValidationError',
      'The requested DurationSeconds exceeds the MaxSessionDuration set for this role.',
    );
  }
  return durationSeconds;
}

function requireSessionPolicy(policy: string): void {
  try {
    parsePolicy(policy, 'identity');
  } catch (error) {
    if (isMillraceError(error, 'IAM_POLICY_MALFORMED')) throw new AwsFault('MalformedPolicyDocument', error.message);
    throw error;
  }
}
