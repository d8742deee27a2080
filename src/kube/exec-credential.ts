import { execFile } from 'node:child_process';
import { MillraceError } from '../base/error.ts';
import { isRecord } from '../base/json.ts';
import type { ExecPlugin } from './config.ts';

/** What a credential plugin gave. */
export interface ExecCredential {
  token?: string;
  cert?: string;
  key?: string;
  /** Milliseconds since the epoch; absent where the credential is good until it is refused. */
  expiresAt?: number;
}

const timeoutMs = 60_000;

/**
 * Runs a credential plugin as client-go does (no shell, request in KUBERNETES_EXEC_INFO) and reads its ExecCredential.
 * Throws KUBE_CREDENTIALS; the plugin's standard error is part of the message, its output never is.
 */
export async function runExecPlugin(plugin: ExecPlugin, signal: AbortSignal): Promise<ExecCredential> {
  const info = {
    apiVersion: plugin.apiVersion,
    kind: 'ExecCredential',
    spec: { interactive: false, ...(plugin.cluster === undefined ? {} : { cluster: plugin.cluster }) },
  };
  const env = { ...plugin.env, KUBERNETES_EXEC_INFO: JSON.stringify(info) };
  const output = await run(plugin, env, signal);
  return parseExecCredential(output, plugin.command);
}

function run(plugin: ExecPlugin, env: Record<string, string>, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { env, signal, timeout: timeoutMs, maxBuffer: 4 * 1024 * 1024, windowsHide: true };
    execFile(plugin.command, plugin.args, options, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      if (signal.aborted) return reject(signal.reason);
      const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
      const why = missing ? 'the program is not installed' : stderr.trim().slice(-500) || 'it failed without a message';
      reject(
        new MillraceError('KUBE_CREDENTIALS', `Credential plugin ${plugin.command}: ${why}`, {
          ...(plugin.installHint === undefined ? {} : { hint: plugin.installHint }),
        }),
      );
    });
  });
}

function parseExecCredential(output: string, command: string): ExecCredential {
  let parsed: unknown;
  try {
    parsed = JSON.parse(output);
  } catch {
    parsed = undefined;
  }
  const status = isRecord(parsed) && isRecord(parsed['status']) ? parsed['status'] : {};
  const { token, clientCertificateData: cert, clientKeyData: key, expirationTimestamp } = status;
  const expiresAt = typeof expirationTimestamp === 'string' ? Date.parse(expirationTimestamp) : Number.NaN;
  const credential: ExecCredential = {
    ...(typeof token === 'string' ? { token } : {}),
    ...(typeof cert === 'string' && typeof key === 'string' ? { cert, key } : {}),
    ...(Number.isNaN(expiresAt) ? {} : { expiresAt }),
  };
  if (credential.token === undefined && credential.cert === undefined) {
    throw new MillraceError(
      'KUBE_CREDENTIALS',
      `Credential plugin ${command}: it gave neither a token nor a certificate`,
    );
  }
  return credential;
}
