import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ImageUpdateAutomation } from '../api/image-update-automation.ts';
import { kindRef } from '../api/kind.ts';
import { MillraceError } from '../base/error.ts';
import { Fault } from '../controllers/image/fault.ts';
import type { FileChange } from '../controllers/image-update-automation/apply-setters.ts';
import type { PreparedDelivery } from '../controllers/image-update-automation/deliver.ts';
import { type Git, mustRun } from '../git/program.ts';
import { createHttpClient } from '../http/http-client.ts';
import { proxyFromEnv } from '../http/proxy.ts';
import type { MarkerFinding } from '../images/lint-markers.ts';
import { type AutomationTools, prepareCommits } from './automation-commits.ts';
import { type CommandModule, examples, outputOption } from './command.ts';
import type { CliContext, CommandResult } from './context.ts';
import { gitOf } from './git-of.ts';
import { addKubeOptions, withCluster } from './kube-options.ts';

export const register: CommandModule['register'] = (program, shell) => {
  const preview = program.command('preview').description('show what would happen now, and do nothing');
  const automation = preview
    .command('automation <name>')
    .description('the commit that an ImageUpdateAutomation would push now: branch, message and diff')
    .option('-n, --namespace <name>', "namespace (default: the context's)")
    .addOption(outputOption());
  addKubeOptions(automation)
    .addHelpText(
      'after',
      examples('millrace preview automation fleet -n flux-system', 'millrace preview automation fleet -o json'),
    )
    .action(shell.action(previewAutomation));
};

async function previewAutomation(
  [name = '']: string[],
  options: Record<string, unknown>,
  context: CliContext,
): Promise<CommandResult> {
  return withCluster(options, context, async ({ client, config }) => {
    const namespace = typeof options['namespace'] === 'string' ? options['namespace'] : config.namespace;
    const key = { namespace, name };
    const automation = await client.get<ImageUpdateAutomation>({ ...kindRef(ImageUpdateAutomation), ...key }, context);
    if (automation === undefined) {
      throw new MillraceError('BAD_INPUT', `ImageUpdateAutomation ${namespace}/${name} does not exist`);
    }
    const git = gitOf(context.env);
    const clonesDir = await mkdtemp(join(tmpdir(), 'millrace-preview-'));
    const proxy = proxyFromEnv(context.env);
    const http = createHttpClient(proxy === undefined ? {} : { proxy });
    try {
      return await showCommit(automation, { client, git, http, clonesDir, signal: context.signal });
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      throw new MillraceError('IMAGE_RECONCILE_FAILED', `${error.reason}: ${error.message}`, { cause: error.cause });
    } finally {
      await rm(clonesDir, { recursive: true, force: true });
      await http.close({ force: true });
    }
  });
}

async function showCommit(automation: ImageUpdateAutomation, tools: AutomationTools): Promise<CommandResult> {
  const commits: Preview[] = [];
  for (const { plan, prepared } of await prepareCommits(automation, tools)) {
    commits.push({
      branch: plan.pushBranch,
      base: prepared.base,
      message: prepared.commit?.message ?? null,
      changes: prepared.changes,
      findings: prepared.findings,
      diff: await diffOf(tools.git, prepared, tools.signal),
    });
  }
  return { data: { commits }, text: commits.map(formatPreview).join('\n\n') };
}

async function diffOf(git: Git, { tree, base, commit }: PreparedDelivery, signal: AbortSignal): Promise<string> {
  if (commit === undefined) return '';
  const args = ['diff', '--no-color', '--no-ext-diff', base, commit.commit];
  return (await mustRun(git, args, { gitDir: tree.gitDir, signal })).toString('utf8');
}

/** One commit that would be pushed. */
interface Preview {
  branch: string;
  base: string;
  /** Null where there is nothing to commit. */
  message: string | null;
  changes: readonly FileChange[];
  findings: readonly MarkerFinding[];
  diff: string;
}

function formatPreview({ branch, base, message, findings, diff }: Preview): string {
  const notes = findings.map(({ file, line, message: finding }) => `${file}:${line}: ${finding}`);
  if (message === null) return [`nothing to commit on ${branch} (${base.slice(0, 7)})`, ...notes].join('\n');
  const indented = message.split('\n').map((line) => `    ${line}`);
  return [`would push to ${branch} on ${base.slice(0, 7)}:`, '', ...indented, '', diff.trimEnd(), ...notes].join('\n');
}
