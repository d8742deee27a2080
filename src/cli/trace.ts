import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MillraceError } from '../base/error.ts';
import { ClusterReader } from '../diagnose/collect/reader.ts';
import { type ClusterFinding, examineCluster } from '../diagnose/doctor/examine.ts';
import { readTraced, type TracedCluster } from '../diagnose/trace/routes.ts';
import { type Trace, traceImage } from '../diagnose/trace/trace.ts';
import { orCannotCheck } from './cannot-check.ts';
import { type CommandModule, examples, outputOption } from './command.ts';
import type { CliContext, CommandResult } from './context.ts';
import { formatGaps } from './gaps.ts';
import { gitOf } from './git-of.ts';
import { addKubeOptions, withCluster } from './kube-options.ts';
import { formatTraces, traceExitCode, tracesMarkdown } from './trace/format.ts';
import { targetsOf } from './trace/targets.ts';
import { traceTools } from './trace/tools.ts';

export const register: CommandModule['register'] = (program, shell) => {
  const trace = program
    .command('trace <what>')
    .description('follow an image hop by hop from its push to its pods: what happened when, and why it stopped')
    .option('-n, --namespace <name>', 'namespace of a workload, pod or policy (default: wherever it is)')
    .option('--markdown', 'print a report to paste into a ticket')
    .addOption(outputOption());
  addKubeOptions(trace)
    .addHelpText(
      'after',
      examples(
        'millrace trace mainapp:1.4.2',
        'millrace trace mainapp                      # the tag that its policy has chosen',
        'millrace trace deployment/mainapp -n apps   # backwards, from what runs',
        'millrace trace imagepolicy/mainapp          # what a policy has chosen',
        'millrace trace 3f9c2ab                      # what a commit brought',
      ).concat(
        '\nReads the cluster as the kubeconfig says, git with the credentials of the GitRepositories, and ECR with the keys or the\n',
        'profile of the environment. Exit code: 0 delivered or on its way, 1 stopped, 2 it could not be seen.\n',
      ),
    )
    .action(
      shell.action(([what = ''], options, context) => orCannotCheck(context, () => runTrace(what, options, context))),
    );
};

async function runTrace(what: string, options: Record<string, unknown>, context: CliContext): Promise<CommandResult> {
  const git = gitOf(context.env);
  const clonesDir = await mkdtemp(join(tmpdir(), 'millrace-trace-'));
  try {
    return await withCluster(options, context, async ({ client }) => {
      // A cluster that cannot be reached is no delivery that stopped.
      await client.readPath('/version', context);
      const namespace = typeof options['namespace'] === 'string' ? options['namespace'] : undefined;
      const reader = new ClusterReader(client, context.signal, undefined, namespace === undefined ? [] : [namespace]);
      const tools = traceTools({ client, git, clonesDir }, context);
      const cluster = await readTraced(reader);
      requireSight(cluster, reader);
      const traces: Trace[] = [];
      for (const { image, tag } of await targetsOf(what, namespace, cluster, tools))
        traces.push(await traceImage(image, tag, cluster, { reader, tools }));
      const report = { traces, findings: await causesOf(traces, reader) };
      const format = options['markdown'] === true ? tracesMarkdown : formatTraces;
      return { data: report, text: format(report), exitCode: traceExitCode(report) };
    });
  } finally {
    await rm(clonesDir, { recursive: true, force: true });
  }
}

/** Nothing is there to be traced where nothing may be seen. Throws KUBE_FORBIDDEN. */
function requireSight({ objects, workloads }: TracedCluster, { gaps }: ClusterReader): void {
  const isEmpty = workloads.length === 0 && Object.values(objects).every((all) => all.length === 0);
  if (!isEmpty || gaps.length === 0) return;
  throw new MillraceError('KUBE_FORBIDDEN', `no object of a delivery may be seen\n${formatGaps(gaps).join('\n')}`, {
    hint: 'A trace reads the objects of Flux, workloads, pods and events.',
    retry: 'never',
  });
}

/** What doctor knows of the objects at which routes have stopped. */
async function causesOf(traces: readonly Trace[], reader: ClusterReader): Promise<ClusterFinding[]> {
  const stops = traces.flatMap(({ routes }) => routes.flatMap(({ at }) => (at?.state === 'stopped' ? [at] : [])));
  if (stops.length === 0) return [];
  const { findings } = await examineCluster(reader);
  return findings.filter(({ objects }) =>
    objects.some((object) => stops.some((stop) => stop.object === object || stop.evidence.startsWith(object))),
  );
}
