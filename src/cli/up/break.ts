import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newLifetime, sleep } from '../../base/deadline.ts';
import { MillraceError } from '../../base/error.ts';
import { ClusterReader } from '../../diagnose/collect/reader.ts';
import { examineCluster } from '../../diagnose/doctor/examine.ts';
import { rules } from '../../diagnose/doctor/rules/index.ts';
import type { PartName } from '../../sandbox/sandbox.ts';
import { readSandboxAccess } from '../../sandbox/sandbox-access.ts';
import type { CliContext, CommandResult } from '../context.ts';
import { openDataFolder } from './data-folder.ts';
import { type Demo, startDemo } from './demo.ts';
import { demoNames } from './demo-names.ts';
import type { PracticeFault } from './faults/fault.ts';
import { practiceFaults } from './faults/index.ts';
import { demoTracker, formatHop } from './follow-delivery.ts';
import { sandboxRoles } from './sandbox-roles.ts';
import { untilAborted } from './until-aborted.ts';
import { watchDelivery } from './watch-delivery.ts';

export interface BreakOptions {
  /** A code, `random`, or undefined to list what there is. */
  code: string | undefined;
  /** Absolute; undefined for a folder that is gone when the practice is over. */
  dataDir: string | undefined;
  ports: Partial<Record<PartName, number>>;
  reveal: boolean;
  once: boolean;
  /** How long the fault may take to show, in milliseconds. */
  timeoutMs: number;
}

/** Starts a sandbox with one fault and leaves finding it to the user. Without a code it lists the faults. */
export async function runBroken(options: BreakOptions, context: CliContext): Promise<CommandResult> {
  if (options.code === undefined) return { text: listFaults() };
  const fault = chooseFault(options.code);
  const own = options.dataDir === undefined;
  if (options.dataDir !== undefined) await requireNoSandbox(options.dataDir);
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'millrace-break-')));
  const folder = await openDataFolder(dataDir);
  const write = (line: string) => context.stdout.write(`${line}\n`);
  let demo: Demo | undefined;
  try {
    write(`millrace sandbox in ${dataDir}`);
    demo = await startDemo({ dataDir, ports: options.ports, timeoutMs: options.timeoutMs, fault }, context, write);
    write(`broken       ${options.reveal ? fault.broken : 'one thing between the push and the running pods'}`);
    write('');
    await showHops(demo, fault, options.timeoutMs, context.signal, write);
    if (options.once) return {};
    write(nextSteps(demo));
    await Promise.race([untilAborted(context.signal), demo.controllers.failed]);
    write(`\nit was       ${fault.code}: ${fault.broken}`);
    return {};
  } finally {
    await demo?.close();
    await folder.release();
    if (own) await rm(dataDir, { recursive: true, force: true });
  }
}

/** A fault goes into a new sandbox: in one that has delivered before, some of them would change nothing. */
async function requireNoSandbox(dataDir: string): Promise<void> {
  const present = await readSandboxAccess(dataDir).catch(() => undefined);
  if (present === undefined) return;
  throw new MillraceError('BAD_INPUT', `${dataDir} holds a sandbox already`, {
    hint: 'Leave --data out for a folder that is gone afterwards, or name a new one.',
    retry: 'never',
  });
}

function chooseFault(code: string): PracticeFault {
  const real = practiceFaults.filter((fault) => fault.code !== 'none');
  const found =
    code === 'random'
      ? real[Math.floor(Math.random() * real.length)]
      : practiceFaults.find((fault) => fault.code === code);
  if (found !== undefined) return found;
  throw new MillraceError('BAD_INPUT', `--break: there is no fault '${code}' to practise on`, {
    hint: `Known are random, ${practiceFaults.map((fault) => fault.code).join(', ')}.`,
    retry: 'never',
  });
}

function listFaults(): string {
  const causes = new Map<string, string>(rules.map(({ code, cause }) => [code, cause]));
  const lines = practiceFaults.map(({ code }) => `  ${code.padEnd(36)} ${causes.get(code) ?? 'Nothing is wrong.'}`);
  return ['millrace up --break CODE starts a sandbox with one of these; random chooses one:', '', ...lines].join('\n');
}

/** Follows the delivery to where it stops: until it has arrived, or the fault has shown. */
async function showHops(
  demo: Demo,
  { code, pushes = [demoNames.nextTag] }: PracticeFault,
  timeoutMs: number,
  signal: AbortSignal,
  write: (line: string) => void,
): Promise<void> {
  const { kube, controllers } = demo;
  const tag = pushes.at(-1) ?? demoNames.firstTag;
  const tracker = demoTracker(tag);
  const startedMs = Date.now();
  tracker.pushed(startedMs, `${demoNames.repository}:${tag}`);
  write(`delivering   ${demoNames.repository}:${tag}`);
  const end = newLifetime();
  signal.addEventListener('abort', () => end.abort(signal.reason), { once: true });
  const onHop = (hop: Parameters<typeof formatHop>[0]) => write(formatHop(hop, startedMs));
  const watching = watchDelivery({ client: kube, tracker, onHop, signal: end.signal });
  const finding = untilFound(demo, code, startedMs + timeoutMs, end.signal);
  try {
    await Promise.race([watching, finding, controllers.failed]);
  } finally {
    end.abort();
    await Promise.allSettled([watching, finding]);
  }
  const { waiting } = tracker;
  write('');
  write(waiting === undefined ? `delivered    ${tag}` : `stopped      not ${waiting.hop}: ${waiting.why}`);
}

/** Until examinations find the fault first, and not in passing: what has only just started complains of other things. */
async function untilFound(
  { kube, sandbox }: Demo,
  code: PracticeFault['code'],
  deadlineMs: number,
  signal: AbortSignal,
): Promise<void> {
  const roles = sandboxRoles(sandbox.access);
  let seen = 0;
  while (Date.now() < deadlineMs) {
    const { findings } = await examineCluster(new ClusterReader(kube, signal, roles));
    seen = findings[0]?.code === code ? seen + 1 : 0;
    if (seen === 2) return;
    await sleep(400, signal);
  }
}

function nextSteps({ sandbox }: Demo): string {
  const { kubernetes, aws } = sandbox.access;
  return `
try next
  export KUBECONFIG=${kubernetes.kubeconfig}
  millrace get all -A                 # where does it stop?
  millrace events -A
  millrace doctor                     # the cause, and the fix
  export AWS_ENDPOINT_URL=${aws.url} AWS_REGION=${aws.account.region}
  export AWS_ACCESS_KEY_ID=${aws.accessKeyId} AWS_SECRET_ACCESS_KEY=${aws.secretAccessKey}
  aws iam list-roles                  # to look, and to mend it

Ctrl-C ends the sandbox and says what was broken.`;
}
