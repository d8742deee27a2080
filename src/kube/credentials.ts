import { readFile } from 'node:fs/promises';
import { type Clock, systemClock } from '../base/clock.ts';
import { awaitShared } from '../base/deadline.ts';
import { MillraceError } from '../base/error.ts';
import type { Credentials } from './config.ts';
import { type ExecCredential, runExecPlugin } from './exec-credential.ts';

/** What one request carries. */
export interface CurrentCredentials {
  authorization?: string;
  cert?: string;
  key?: string;
}

/** Gives the credentials of the moment; files and plugins are asked again when theirs have aged. */
export interface CredentialSource {
  current(signal: AbortSignal): Promise<CurrentCredentials>;
  /** To be called after a 401. True where asking again may give something newer. */
  refused(): boolean;
}

/** client-go reads a token file again after a minute; the kubelet rotates at 80 % of an hour. */
const tokenFileMs = 60_000;
/** A plugin's credential is replaced this long before it ends. */
const expiryMarginMs = 60_000;

export function credentialSource(credentials: Credentials, clock: Clock = systemClock): CredentialSource {
  switch (credentials.kind) {
    case 'none':
      return fixed({});
    case 'token':
      return fixed({ authorization: `Bearer ${credentials.token}` });
    case 'basic':
      return fixed({ authorization: basic(credentials.username, credentials.password) });
    case 'certificate':
      return fixed({ cert: credentials.cert, key: credentials.key });
    case 'token-file':
      return renewed(() => readToken(credentials.path, clock), clock);
    case 'issued':
      return renewed(async (signal) => fromPlugin(await credentials.issue(signal)), clock);
    case 'exec':
      return renewed(async (signal) => fromPlugin(await runExecPlugin(credentials.exec, signal)), clock);
  }
}

function fixed(value: CurrentCredentials): CredentialSource {
  return { current: async () => value, refused: () => false };
}

interface Renewable {
  value: CurrentCredentials;
  /** From this time on, ask again. */
  renewAt: number;
}

/** One question at a time: callers that come while it is asked share its answer. */
function renewed(ask: (signal: AbortSignal) => Promise<Renewable>, clock: Clock): CredentialSource {
  let held: Renewable | undefined;
  let asking: Promise<Renewable> | undefined;
  // The shared question must not die with the request that happened to come first.
  const patient = new AbortController().signal;
  return {
    async current(signal) {
      if (held !== undefined && clock.now() < held.renewAt) return held.value;
      asking ??= ask(patient)
        .then((given) => {
          held = given;
          return given;
        })
        .finally(() => {
          asking = undefined;
        });
      const { value } = await awaitShared(asking, signal);
      return value;
    },
    refused() {
      held = undefined;
      return true;
    },
  };
}

async function readToken(path: string, clock: Clock): Promise<Renewable> {
  try {
    const token = (await readFile(path, 'utf8')).trim();
    return { value: { authorization: `Bearer ${token}` }, renewAt: clock.now() + tokenFileMs };
  } catch (cause) {
    throw new MillraceError('KUBE_CREDENTIALS', `The token file ${path} cannot be read`, { cause });
  }
}

function fromPlugin({ token, cert, key, expiresAt }: ExecCredential): Renewable {
  return {
    value: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(cert === undefined || key === undefined ? {} : { cert, key }),
    },
    renewAt: expiresAt === undefined ? Number.POSITIVE_INFINITY : expiresAt - expiryMarginMs,
  };
}

function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}
