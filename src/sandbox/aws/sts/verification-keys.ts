import type { JSONWebKeySet } from 'jose';
import { Agent, request } from 'undici';
import type { Clock } from '../../../base/clock.ts';
import { withDeadline } from '../../../base/deadline.ts';
import { isRecord } from '../../../base/json.ts';

/** Fetches the signing keys of OIDC issuers, as STS does: discovery document, then JWKS, over HTTPS, within 5 seconds. */
export interface VerificationKeys {
  /** The issuer's key set, from the cache where `keyId` is in it. Throws when it cannot be had. */
  fetch(issuer: string, keyId: string | undefined, signal: AbortSignal): Promise<JSONWebKeySet>;
  close(): Promise<void>;
}

export interface VerificationKeyOptions {
  /** Certificate authorities of issuers; the public ones where the list is empty. */
  trustedCaPem: readonly string[];
  clock: Clock;
}

const fetchTimeoutMs = 5000;
const cacheMs = 5 * 60_000;
const maxBytes = 256 * 1024;

export function createVerificationKeys({ trustedCaPem, clock }: VerificationKeyOptions): VerificationKeys {
  const agent = new Agent(trustedCaPem.length === 0 ? {} : { connect: { ca: [...trustedCaPem] } });
  const cache = new Map<string, { keys: JSONWebKeySet; fetchedAt: number }>();

  async function getJson(url: string, signal: AbortSignal): Promise<Record<string, unknown>> {
    if (!url.startsWith('https://')) throw new Error(`${url} is not an https URL`);
    const { statusCode, body } = await request(url, { dispatcher: agent, signal });
    let text = '';
    for await (const chunk of body as AsyncIterable<Buffer>) {
      text += chunk.toString();
      if (text.length > maxBytes) throw new Error(`${url} answered more than ${maxBytes} bytes`);
    }
    if (statusCode !== 200) throw new Error(`${url} answered ${statusCode}`);
    const value: unknown = JSON.parse(text);
    if (!isRecord(value)) throw new Error(`${url} answered no JSON object`);
    return value;
  }

  return {
    async fetch(issuer, keyId, signal) {
      const cached = cache.get(issuer);
      const fresh = cached !== undefined && clock.now() - cached.fetchedAt < cacheMs;
      if (fresh && (keyId === undefined || cached.keys.keys.some(({ kid }) => kid === keyId))) return cached.keys;
      const keys = await withDeadline(signal, fetchTimeoutMs, `Fetching the keys of ${issuer}`, async (deadline) => {
        const discovery = await getJson(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, deadline);
        if (discovery['issuer'] !== issuer) throw new Error(`${issuer} calls itself ${String(discovery['issuer'])}`);
        const { keys: list } = await getJson(String(discovery['jwks_uri']), deadline);
        if (!Array.isArray(list)) throw new Error(`${issuer} has no key set`);
        return { keys: list as JSONWebKeySet['keys'] };
      });
      cache.set(issuer, { keys, fetchedAt: clock.now() });
      return keys;
    },
    close: () => agent.close(),
  };
}
