import type { Command } from 'commander';
import { Option } from 'commander';
import { parseDuration } from '../base/duration.ts';
import { MillraceError } from '../base/error.ts';
import { hopNames } from '../diagnose/delivery/hops.ts';
import type { Topology } from '../provision/installation.ts';
import type { PartName } from '../sandbox/sandbox.ts';
import { examples, type Shell } from './command.ts';
import type { CliContext, CommandResult } from './context.ts';
import { openDataFolder } from './up/data-folder.ts';
import { dataPath } from './up/data-path.ts';
import { type Demo, startDemo } from './up/demo.ts';
import { demoNames } from './up/demo-names.ts';
import { writeEnvironment } from './up/environment.ts';
import { requireGit } from './up/require-git.ts';
import { untilAborted } from './up/until-aborted.ts';

const partNames: readonly PartName[] = ['kubernetes', 'aws', 'registry', 'git'];

export function register(program: Command, shell: Shell): void {
  const command = program
    .command('up')
    .description(
      'start the sandbox (Kubernetes, AWS, registry and git on 127.0.0.1), provision it, and deliver an image',
    )
    .option('--once', 'end after the delivery: exit 0 when it arrived')
    .option('--empty', 'start every part with nothing provisioned, to try `init` and `provision` on')
    .option('--data <folder>', 'folder that the sandbox keeps its state in (default: .millrace)')
    .option('--break [code]', 'start with one fault to practise on: a failure code, or random; lists them without one')
    .option('--reveal', 'with --break: say what was broken')
    .addOption(
      new Option('--topology <name>', 'one process of all controllers, or a pod and a process for each, as Flux has it')
        .choices(['single', 'split'])
        .default('single'),
    )
    .option('--timeout <duration>', 'how long the delivery may take', '60s')
    .addOption(new Option('--only <part>', 'start one part alone and stay up').choices([...partNames]))
    .option('--port <n>', 'with --only: port of the part (default: a free one)')
    .option('--token <secret>', "with --only: the part's secret");
  for (const part of partNames)
    command.option(`--${part}-port <n>`, `port of the ${part} part (default: a free one, kept)`);
  command
    .addHelpText(
      'after',
      examples(
        'millrace up',
        'millrace up --once',
        'millrace up --topology split',
        'millrace up --data /tmp/demo --kubernetes-port 6443',
        'millrace up --empty                               # and `millrace init`, `millrace provision apply` on it',
        'millrace up --only kubernetes --port 6443',
        'millrace up --break                               # the faults there are',
        'millrace up --break trust-policy-sub-mismatch',
      ),
    )
    .action(shell.action((_args, options, context) => up(options, context)));
}

async function up(options: Record<string, unknown>, context: CliContext): Promise<CommandResult> {
  const dataDir = dataPath(options, context);
  const { only } = options;
  if (typeof only === 'string') {
    const { runOnly } = await import('./up/only.ts');
    const token = typeof options['token'] === 'string' ? options['token'] : undefined;
    await runOnly(only as PartName, { dataDir, port: portOf(options, 'port'), token }, context);
    return {};
  }
  await requireGit(context);
  const timeoutMs = parseDuration(String(options['timeout']), '--timeout');
  const ports = Object.fromEntries(
    partNames.flatMap((part) => {
      const port = portOf(options, `${part}Port`);
      return port === undefined ? [] : [[part, port]];
    }),
  );
  if (options['empty'] === true) {
    const { runEmpty } = await import('./up/empty.ts');
    const folder = await openDataFolder(dataDir);
    try {
      await runEmpty({ dataDir, ports }, context);
      return {};
    } finally {
      await folder.release();
    }
  }
  if (options['break'] !== undefined) {
    const { runBroken } = await import('./up/break.ts');
    const code = typeof options['break'] === 'string' ? options['break'] : undefined;
    const given = typeof options['data'] === 'string' ? dataDir : undefined;
    const [reveal, once] = [options['reveal'] === true, options['once'] === true];
    return runBroken({ code, dataDir: given, ports, reveal, once, timeoutMs }, context);
  }
  const folder = await openDataFolder(dataDir);
  const write = (line: string) => context.stdout.write(`${line}\n`);
  let demo: Demo | undefined;
  try {
    write(`millrace sandbox in ${dataDir}`);
    const topology = options['topology'] as Topology;
    demo = await startDemo({ dataDir, ports, topology, timeoutMs }, context, write);
    const { tag, hops } = await demo.deliver(write);
    const tookMs = (hops.at(-1)?.atMs ?? 0) - (hops[0]?.atMs ?? 0);
    write('');
    write(`delivered    ${tag}: ${hopNames.at(0)} to ${hopNames.at(-1)} in ${(tookMs / 1000).toFixed(2)} s`);
    const environment = await writeEnvironment(dataDir, demo.sandbox.access);
    if (options['once'] === true) return {};
    const { metricsUrl, failed } = demo.controllers;
    write(nextSteps(demo, { dataDir, environment, metricsUrl: await Promise.race([metricsUrl, failed]) }));
    await Promise.race([untilAborted(context.signal), failed]);
    return {};
  } finally {
    await demo?.close();
    await folder.release();
  }
}

function portOf(options: Record<string, unknown>, name: string): number | undefined {
  const text = options[name];
  if (text === undefined) return undefined;
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new MillraceError('BAD_INPUT', `'${String(text)}' is not a port number`, {
    hint: 'Ports are 1 to 65535.',
    retry: 'never',
  });
}

interface Surroundings {
  dataDir: string;
  /** File with the variables for a shell. */
  environment: string;
  metricsUrl: string | undefined;
}

function nextSteps({ sandbox, fleetUrl }: Demo, { dataDir, environment, metricsUrl }: Surroundings): string {
  const { git } = sandbox.access;
  const cloneUrl = fleetUrl.replace('://', `://${git.username}:${git.password}@`);
  return `
try next
  . ${environment}
  kubectl get pods,deploy,gitrepositories,kustomizations,imagepolicies -A
  aws ecr describe-images --repository-name ${demoNames.repository}
  git clone ${cloneUrl}
  millrace push mainapp:1.0.2 --data ${dataDir}
  millrace get all -A${metricsUrl === undefined ? '' : `\n  curl -s ${metricsUrl} | grep millrace_delivery`}

Ctrl-C ends the sandbox; the next start on the same folder goes on from here.`;
}
