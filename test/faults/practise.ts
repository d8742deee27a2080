import { resolve } from 'node:path';
import { PassThrough } from 'node:stream';
import { type Demo, startDemo } from '../../src/cli/up/demo.ts';
import type { PracticeFault } from '../../src/cli/up/faults/fault.ts';
import { sandboxRoles } from '../../src/cli/up/sandbox-roles.ts';
import { ClusterReader } from '../../src/diagnose/collect/reader.ts';
import { type Examination, examineCluster } from '../../src/diagnose/doctor/examine.ts';
import { newDataFolder, removeFolder } from '../e2e/sandbox-process.ts';

const patienceMs = 90_000;

/**
 * Starts a sandbox with the fault and examines it as `millrace doctor` does, until the first finding is the fault's code; returns
 * the last examination either way. Needs `npm run build`: the controllers are a process of their own.
 */
export async function practise(fault: PracticeFault): Promise<Examination> {
  const dataDir = await newDataFolder();
  let demo: Demo | undefined;
  try {
    demo = await startDemo({ dataDir, ports: {}, timeoutMs: patienceMs, fault }, quietContext(), () => {});
    return await examineUntilFound(demo, fault);
  } finally {
    await demo?.close();
    await removeFolder(dataDir);
  }
}

async function examineUntilFound({ kube, sandbox, controllers }: Demo, { code }: PracticeFault): Promise<Examination> {
  const deadline = Date.now() + patienceMs;
  const roles = sandboxRoles(sandbox.access);
  for (;;) {
    const examining = examineCluster(new ClusterReader(kube, AbortSignal.timeout(patienceMs), roles));
    const examination = await Promise.race([examining, controllers.failed]);
    if (examination.findings[0]?.code === code || Date.now() > deadline) return examination;
    await new Promise((wake) => setTimeout(wake, 100));
  }
}

function quietContext() {
  const nowhere = new PassThrough().resume();
  return {
    stdin: new PassThrough(),
    stdout: nowhere,
    stderr: nowhere,
    env: process.env,
    cwd: process.cwd(),
    program: [process.execPath, resolve('dist/millrace.js')] as const,
    color: false,
    signal: new AbortController().signal,
  };
}
