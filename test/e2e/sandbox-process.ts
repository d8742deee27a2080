import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { SandboxAccess } from '../../src/sandbox/sandbox-access.ts';

const program = resolve('dist/millrace.js');

/** A clean folder for one test; removed by the caller. */
export function newDataFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'millrace-e2e-'));
}

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A running `millrace …`, started as a user would start it. */
export class MillraceProcess {
  readonly #child: ChildProcess;
  stdout = '';
  stderr = '';
  readonly ended: Promise<Ended>;

  constructor(args: string[], options: { env?: Record<string, string>; cwd?: string } = {}) {
    this.#child = spawn(process.execPath, [program, ...args], {
      env: { ...process.env, NO_COLOR: '1', ...options.env },
      cwd: options.cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child.stdout?.on('data', (chunk) => {
      this.stdout += String(chunk);
    });
    this.#child.stderr?.on('data', (chunk) => {
      this.stderr += String(chunk);
    });
    this.ended = new Promise((done) => {
      this.#child.once('close', (code) => done({ code, stdout: this.stdout, stderr: this.stderr }));
    });
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Waits until the output has `text`; fails with all of it when the process ends first or the time is up. */
  async until(text: string, timeoutMs: number): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    let hasEnded = false;
    void this.ended.then(() => {
      hasEnded = true;
    });
    while (!`${this.stdout}${this.stderr}`.includes(text)) {
      if (hasEnded || Date.now() > deadline) {
        throw new Error(
          `'${text}' was not printed ${hasEnded ? 'before the end' : 'in time'}:\n${this.stdout}\n${this.stderr}`,
        );
      }
      await new Promise((wake) => setTimeout(wake, 20));
    }
  }

  /** Ctrl-C, then the end. */
  async stop(): Promise<Ended> {
    this.#child.kill('SIGINT');
    return this.ended;
  }
}

/** The addresses and credentials that a sandbox writes for its users (`sandbox.json` in its data folder). */
export async function readState(dataFolder: string): Promise<SandboxAccess> {
  return JSON.parse(await readFile(join(dataFolder, 'sandbox.json'), 'utf8'));
}

/** The variables with which commands are the administrator of a sandbox's cluster and account. */
export function administrator({ kubernetes, aws }: SandboxAccess): Record<string, string> {
  return {
    KUBECONFIG: kubernetes.kubeconfig,
    AWS_ENDPOINT_URL: aws.url,
    AWS_REGION: aws.account.region,
    AWS_ACCESS_KEY_ID: aws.accessKeyId,
    AWS_SECRET_ACCESS_KEY: aws.secretAccessKey,
  };
}

export function removeFolder(path: string): Promise<void> {
  return rm(path, { recursive: true, force: true });
}

/** Whether a foreign client is on this machine; tests that need it skip otherwise. */
export function hasClient(command: string, ...args: string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore', timeout: 30_000 }).status === 0;
}
