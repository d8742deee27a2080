import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** What a request to the double looked like. */
export interface SeenCall {
  action: string;
  form: URLSearchParams;
  authorization: string;
}

export interface AwsDouble {
  url: string;
  calls: SeenCall[];
  /** Answers the next calls of an action with an error. */
  failNext(action: string, status: number, code: string, message: string): void;
  close(): Promise<void>;
}

/** STS and ECR as they answer on the wire; nothing is verified. */
export async function startAwsDouble({ lifeMs = 3_600_000, token = 'AWS:secret' } = {}): Promise<AwsDouble> {
  const calls: SeenCall[] = [];
  const failures = new Map<string, { status: number; code: string; message: string }[]>();
  const server = createServer(async (request, response) => {
    const call = await parseCall(request);
    calls.push(call);
    const failure = failures.get(call.action)?.shift();
    const isJson = request.headers['x-amz-target'] !== undefined;
    if (failure !== undefined) {
      response.statusCode = failure.status;
      response.end(isJson ? JSON.stringify({ __type: failure.code, message: failure.message }) : errorXml(failure));
      return;
    }
    if (isJson) {
      response.setHeader('content-type', 'application/x-amz-json-1.1');
      const expiresAt = (Date.now() + lifeMs) / 1000;
      response.end(JSON.stringify({ authorizationData: [{ authorizationToken: btoa(token), expiresAt }] }));
      return;
    }
    response.setHeader('content-type', 'text/xml');
    response.end(call.action === 'GetCallerIdentity' ? callerXml : assumedXml(call, Date.now() + lifeMs));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    failNext: (action, status, code, message) =>
      failures.set(action, [...(failures.get(action) ?? []), { status, code, message }]),
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

async function parseCall(request: IncomingMessage): Promise<SeenCall> {
  const body = await text(request);
  const target = request.headers['x-amz-target'];
  const form = new URLSearchParams(target === undefined ? body : '');
  const action = form.get('Action') ?? String(target).split('.').at(-1) ?? '';
  return { action, form, authorization: request.headers.authorization ?? '' };
}

function errorXml({ code, message }: { code: string; message: string }): string {
  return `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>r</RequestId></ErrorResponse>`;
}

const callerXml =
  '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Arn>arn:aws:iam::111122223333:user/bob</Arn><UserId>U</UserId><Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>';

function assumedXml({ form }: SeenCall, expiresAt: number): string {
  const role = form.get('RoleArn')?.split('/').at(-1);
  return `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>${new Date(expiresAt).toISOString()}</Expiration></Credentials><AssumedRoleUser><Arn>arn:aws:sts::111122223333:assumed-role/${role}/${form.get('RoleSessionName')}</Arn><AssumedRoleId>A</AssumedRoleId></AssumedRoleUser></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`;
}
