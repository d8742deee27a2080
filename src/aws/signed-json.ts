import { isRecord } from '../base/json.ts';
import { createHttpClient, type HttpRequest } from '../http/http-client.ts';
import type { ProxySettings } from '../http/proxy.ts';
import type { AwsCredentials } from './identity.ts';
import { newSigner } from './signer.ts';

export interface SignedJsonCall {
  url: URL;
  /** Name in the signature, such as `kms`. */
  service: string;
  region: string;
  /** `X-Amz-Target`: protocol name and operation. */
  target: string;
  input: Record<string, unknown>;
  proxy?: ProxySettings | undefined;
}

/**
 * One operation of a service with AWS's JSON 1.1 protocol, for services of which too little is used for a client of their own.
 * Refusals are thrown in the form in which the SDK throws them.
 */
export async function signedJson(
  { url, service, region, target, input, proxy }: SignedJsonCall,
  credentials: AwsCredentials,
  signal: AbortSignal,
): Promise<Record<string, unknown>> {
  const body = JSON.stringify(input);
  const signer = await newSigner(credentials, service, region);
  const headers = { host: url.host, 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': target };
  const { protocol, hostname, port } = url;
  const request = { method: 'POST', protocol, hostname, path: '/', headers, body, query: {} };
  const signed = await signer.sign(port === '' ? request : { ...request, port: Number(port) });
  const { status, text } = await send({ method: 'POST', url, headers: signed.headers, body, signal }, proxy);
  const answer = parse(text);
  if (status === 200) return answer;
  const type = String(answer['__type'] ?? 'Unknown');
  const message = String(answer['message'] ?? answer['Message'] ?? text.slice(0, 200));
  const error = Object.assign(new Error(message), { $metadata: { httpStatusCode: status } });
  error.name = type.slice(type.lastIndexOf('#') + 1);
  throw error;
}

async function send(request: HttpRequest, proxy: ProxySettings | undefined): Promise<{ status: number; text: string }> {
  const http = createHttpClient(proxy === undefined ? {} : { proxy });
  try {
    const response = await http.send(request);
    return { status: response.status, text: await response.text() };
  } finally {
    await http.close({ force: true });
  }
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : {};
  } catch {
    return {};
  }
}
