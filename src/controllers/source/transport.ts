import { rootCertificates } from 'node:tls';
import { MillraceError } from '../../base/error.ts';
import type { KubeObject, ObjectKey } from '../../base/kube-object.ts';
import type { HttpClientOptions } from '../../http/http-client.ts';
import type { KubeClient } from '../../kube/client.ts';
import { firstOf, readSecret, type SecretData } from './secret-data.ts';

/** What of an object says how its server is reached. */
export interface TransportUser {
  metadata: KubeObject['metadata'];
  spec: { certSecretRef?: { name: string } | undefined; proxySecretRef?: { name: string } | undefined };
}

/**
 * What differs from the plain connection: certificates and proxy (spec/source.md §2.9); undefined where nothing does. Throws
 * TRANSPORT_OPTIONS for a Secret that is missing or malformed.
 */
export async function transportOf(
  { spec, metadata }: TransportUser,
  client: KubeClient,
  signal: AbortSignal,
): Promise<HttpClientOptions | undefined> {
  const namespace = metadata.namespace ?? '';
  const options: HttpClientOptions = {};
  if (spec.proxySecretRef !== undefined) {
    const key = { namespace, name: spec.proxySecretRef.name };
    const address = proxyAddress((await requireSecret(client, key, signal)).data, key);
    options.proxy = { http: address, https: address };
  }
  if (spec.certSecretRef !== undefined) {
    const key = { namespace, name: spec.certSecretRef.name };
    Object.assign(options, tlsOptions((await requireSecret(client, key, signal)).data, key));
  }
  return Object.keys(options).length === 0 ? undefined : options;
}

function tlsOptions(data: SecretData, { namespace, name }: ObjectKey): HttpClientOptions {
  const ca = firstOf(data, 'ca.crt', 'caFile');
  const cert = firstOf(data, 'tls.crt', 'certFile');
  const key = firstOf(data, 'tls.key', 'keyFile');
  const where = `secret '${namespace}/${name}'`;
  if ((cert === undefined) !== (key === undefined))
    throw fault(`${where} must contain both 'tls.crt' and 'tls.key' or neither`);
  if (ca === undefined && cert === undefined)
    throw fault(`${where} must contain either 'ca.crt' or both 'tls.crt' and 'tls.key'`);
  return {
    // Added to the system's authorities, not in their place (spec/source.md §5.2, spec/image.md §3.5).
    ...(ca !== undefined && { ca: [...rootCertificates, ca].join('\n') }),
    ...(cert !== undefined && key !== undefined && { cert, key }),
  };
}

function proxyAddress(data: SecretData, { namespace, name }: ObjectKey): string {
  const where = `proxy secret '${namespace}/${name}'`;
  const address = data.get('address') ?? '';
  if (address === '') throw fault(`invalid ${where}: key 'address' is missing`);
  const url = address.length <= 2048 && URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || !/^(?:https?|socks5):$/.test(url.protocol)) {
    throw fault(`invalid ${where}: 'address' must be an http, https or socks5 URL`);
  }
  const username = data.get('username');
  if (username) {
    url.username = encodeURIComponent(username);
    url.password = encodeURIComponent(data.get('password') ?? '');
  }
  return url.href;
}

async function requireSecret(client: KubeClient, key: ObjectKey, signal: AbortSignal): Promise<{ data: SecretData }> {
  const secret = await readSecret(client, key, signal);
  if (secret !== undefined) return secret;
  throw fault(`failed to get secret '${key.namespace}/${key.name}': secrets "${key.name}" not found`);
}

function fault(message: string): MillraceError {
  return new MillraceError('TRANSPORT_OPTIONS', message, {
    hint: 'Check certSecretRef and proxySecretRef in the spec of the object, and the Secrets they name.',
  });
}
