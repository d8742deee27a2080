import { readFile } from 'node:fs/promises';
import { sleep, withDeadline } from '../base/deadline.ts';
import { errorMessage, MillraceError } from '../base/error.ts';
import { isRecord, textAt } from '../base/json.ts';
import { awsError } from './aws-error.ts';
import type { AwsEnvironment } from './environment.ts';
import type { AwsCredentials } from './identity.ts';

/** One request; the agent asks EKS in its turn. */
const requestTimeoutMs = 5000;
/** Before each further attempt, in milliseconds: the agent restarts, or EKS limits the rate. */
const retryAfterMs = [250, 1000];
/** Where AWS says that the token may be sent without TLS: loopback, the ECS and the EKS agent. */
const agentHosts: ReadonlySet<string> = new Set([
  'localhost',
  '127.0.0.1',
  '[::1]',
  '169.254.170.2',
  '169.254.170.23',
  '[fd00:ec2::23]',
]);

/**
 * Asks the EKS Pod Identity agent. The token file is read for every request: the kubelet rotates it. Throws AWS_IDENTITY_INVALID
 * for what is wrong in the pod, AWS_REFUSED with the agent's code and message for a 4xx, AWS_UNREACHABLE when it does not answer.
 */
export async function podIdentityCredentials(
  { uri, tokenFile }: NonNullable<AwsEnvironment['podIdentity']>,
  signal: AbortSignal,
): Promise<AwsCredentials> {
  const url = agentUrl(uri);
  const operation = `EKS Pod Identity credentials from ${url.origin}`;
  for (let attempt = 0; ; attempt++) {
    const authorization = await readAgentToken(tokenFile);
    try {
      return await withDeadline(signal, requestTimeoutMs, operation, (deadline) =>
        request(url, authorization, deadline),
      );
    } catch (error) {
      signal.throwIfAborted();
      const delayMs = retryAfterMs[attempt];
      if (delayMs === undefined || (error instanceof AgentRefusal && !error.isPassing)) throw named(error, operation);
      await sleep(delayMs, signal);
    }
  }
}

function agentUrl(uri: string): URL {
  const url = URL.canParse(uri) ? new URL(uri) : undefined;
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && agentHosts.has(url.hostname))) return url;
  throw new MillraceError(
    'AWS_IDENTITY_INVALID',
    `AWS_CONTAINER_CREDENTIALS_FULL_URI: the credentials address ${url?.origin ?? uri} is neither local nor https`,
    { retry: 'never' },
  );
}

async function readAgentToken(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (cause) {
    throw new MillraceError('AWS_IDENTITY_INVALID', `cannot read the Pod Identity token: ${errorMessage(cause)}`, {
      cause,
      hint: 'EKS mounts it; the pod must have been created after the association of its ServiceAccount.',
    });
  }
}

/** An answer of the agent that is no success, in the form in which the SDK throws them. */
class AgentRefusal extends Error {
  readonly $metadata: { httpStatusCode: number };
  constructor(status: number, body: string) {
    const { code, message } = parseRefusal(body);
    super(message);
    this.name = code;
    this.$metadata = { httpStatusCode: status };
  }
  /** Whether it may be different soon. */
  get isPassing(): boolean {
    return this.$metadata.httpStatusCode >= 500 || this.$metadata.httpStatusCode === 429;
  }
}

/** JSON, or text that names EKS's code: `(AccessDeniedException): …`. */
function parseRefusal(body: string): { code: string; message: string } {
  const text = body.trim().slice(0, 500);
  let answer: unknown;
  try {
    answer = JSON.parse(body);
  } catch {
    answer = undefined;
  }
  return {
    code: textAt(answer, 'code') ?? /\b(\w+(?:Exception|Error))\b/.exec(text)?.[1] ?? 'Unknown',
    message: textAt(answer, 'message') ?? text,
  };
}

async function request(url: URL, authorization: string, signal: AbortSignal): Promise<AwsCredentials> {
  const response = await fetch(url, { headers: { authorization }, signal, redirect: 'error' });
  const body = await response.text();
  if (!response.ok) throw new AgentRefusal(response.status, body);
  return parseCredentials(body);
}

function parseCredentials(body: string): AwsCredentials {
  const answer: unknown = JSON.parse(body);
  const { AccessKeyId, SecretAccessKey, Token, Expiration } = isRecord(answer) ? answer : {};
  if (typeof AccessKeyId !== 'string' || typeof SecretAccessKey !== 'string')
    throw new Error('no credentials in the answer');
  return {
    accessKeyId: AccessKeyId,
    secretAccessKey: SecretAccessKey,
    ...(typeof Token === 'string' && { sessionToken: Token }),
    ...(typeof Expiration === 'string' && { expiresAt: Date.parse(Expiration) }),
  };
}

const agentHint =
  'The eks-pod-identity-agent add-on must run on the node, and an association must exist for the ServiceAccount.';

function named(error: unknown, operation: string): unknown {
  if (error instanceof AgentRefusal && !error.isPassing) return awsError(error, operation, 'this pod', agentHint);
  const cause = error instanceof Error && error.cause !== undefined ? `: ${errorMessage(error.cause)}` : '';
  return new MillraceError('AWS_UNREACHABLE', `${operation}: ${errorMessage(error)}${cause}`, {
    cause: error,
    hint: agentHint,
  });
}
