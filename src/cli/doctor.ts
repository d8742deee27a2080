import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import type { Command } from 'commander';
import { parseDuration } from '../base/duration.ts';
import { MillraceError } from '../base/error.ts';
import { isRecord } from '../base/json.ts';
import { ClusterReader } from '../diagnose/collect/reader.ts';
import { diagnoseReport, type Finding } from '../diagnose/doctor/diagnose.ts';
import { type Examination, examineCluster } from '../diagnose/doctor/examine.ts';
import { diagnoseLog, readLine } from '../diagnose/doctor/log.ts';
import type { Facts } from '../diagnose/doctor/rule.ts';
import { verifyChain } from '../diagnose/verify/verify.ts';
import { orCannotCheck } from './cannot-check.ts';
import { examples, outputOption, type Shell } from './command.ts';
import type { CliContext, CommandResult } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { parseObjectName } from './flux-kinds.ts';
import { formatGaps } from './gaps.ts';
import { withCluster } from './kube-options.ts';
import { codeBlock } from './markdown.ts';
import { withVerifyTools } from './verify/with-tools.ts';

export function register(program: Command, shell: Shell): void {
  program
    .command('doctor [object]')
    .description('name the cause behind what a cluster, a message or a log complains of, and the fix')
    .option('-n, --namespace <name>', 'only this namespace, and what its objects depend on (default: all)')
    .option('--log <line>', 'a log line, condition or event message; - reads a log from standard input')
    .option('--context <name>', 'context of the kubeconfig; with --log a JSON file with observed facts')
    .option('--kubeconfig <file>', 'kubeconfig to use (default: KUBECONFIG, in-cluster, ~/.kube/config)')
    .option('--since <duration>', "read the controllers' logs as well, so far back: 30m, 2h")
    .option(
      '--quick',
      'leave out what verify tries live: the exchange at STS, the ECR login, the tag lists, dry-run pushes',
    )
    .option('--registry-endpoint <host=url...>', 'reach a registry elsewhere than its name says')
    .option('--markdown', 'print a report to paste into a ticket')
    .addOption(outputOption())
    .addHelpText(
      'after',
      examples(
        'millrace doctor --context production',
        'millrace doctor -n apps\nmillrace doctor kustomization/apps -n flux-system',
        'millrace doctor --since 2h --markdown',
        'millrace doctor --log "no EC2 IMDS role found, operation error ec2imds: GetMetadata"',
        'millrace doctor --log "authentication required" --context facts.json -o json',
        'kubectl -n flux-system logs deploy/image-reflector-controller | millrace doctor --log -',
      ),
    )
    .action(shell.action(([object], options, context) => runDoctor(object, options, context)));
}

async function runDoctor(
  object: string | undefined,
  options: Record<string, unknown>,
  context: CliContext,
): Promise<CommandResult> {
  const log = options['log'];
  if (typeof log !== 'string') return orCannotCheck(context, () => examine(object, options, context));
  if (log === '') throw new MillraceError('BAD_INPUT', 'the message of --log is empty', { retry: 'never' });
  const facts = await readFacts(options['context'], context);
  const findings =
    log === '-'
      ? diagnoseLog(await readAll(context.stdin), facts)
      : diagnoseReport(readLine(log, facts) ?? { symptom: log, facts });
  return {
    data: { findings },
    text: options['markdown'] === true ? findingsMarkdown(findings) : formatFindings(findings),
    exitCode: findings.length === 0 ? exitCodes.ok : exitCodes.failed,
  };
}

/** Without a message: what the objects of the cluster say of themselves. */
async function examine(
  object: string | undefined,
  options: Record<string, unknown>,
  context: CliContext,
): Promise<CommandResult> {
  const { signal } = context;
  const since = typeof options['since'] === 'string' ? parseDuration(options['since'], '--since') : undefined;
  const namespace = typeof options['namespace'] === 'string' ? options['namespace'] : undefined;
  const scope = {
    ...(namespace !== undefined && { namespace }),
    ...(object !== undefined && { object: named(object) }),
  };
  const examination = await withCluster(options, context, async ({ client }) => {
    // A cluster that cannot be reached is none without faults.
    await client.readPath('/version', context);
    return withVerifyTools(client, options, context, async (tools) => {
      const roles = { role: (name: string) => tools.readRole(name) };
      const reader = new ClusterReader(client, signal, roles, namespace === undefined ? [] : [namespace]);
      const live = options['quick'] !== true;
      return examineCluster(reader, {
        scope,
        ...(since !== undefined && { logSeconds: Math.ceil(since / 1000) }),
        ...(live && { verification: await verifyChain(client, tools, { namespace: undefined, signal, reader }) }),
      });
    });
  });
  const { findings, unexplained, looked, gaps } = examination;
  const isChecked = looked > 0 && gaps.length === 0;
  const exitCode =
    findings.length + unexplained.length > 0 ? exitCodes.failed : isChecked ? exitCodes.ok : exitCodes.usage;
  const format = options['markdown'] === true ? examinationMarkdown : formatExamination;
  return { data: examination, text: format(examination), exitCode };
}

/** `kind/name` as kubectl writes it; the kind by any of its names. Throws BAD_INPUT. */
function named(operand: string): { kind: string; name: string } {
  const [word = '', name = ''] = operand.split('/');
  const workload = workloadKinds[word.toLowerCase().replace(/s$/, '')];
  if (workload !== undefined && name !== '') return { kind: workload, name };
  const known = parseObjectName(operand);
  return { kind: known.kind.kind, name: known.name };
}

const workloadKinds: Readonly<Record<string, string>> = {
  deployment: 'Deployment',
  deploy: 'Deployment',
  statefulset: 'StatefulSet',
  daemonset: 'DaemonSet',
  pod: 'Pod',
};

function formatExamination({ findings, unexplained, looked, gaps }: Examination): string {
  const parts = findings.map((finding) => {
    const lines = [formatFindings([finding]), ...finding.objects.map((object) => `seen at   ${object}`)];
    return [...lines, ...finding.consequences.map((consequence) => `follows   ${consequence}`)].join('\n');
  });
  for (const { object, message } of unexplained) parts.push(`not known: ${object}\n  ${message}`);
  if (parts.length === 0) parts.push(healthOf({ looked, gaps }));
  if (gaps.length > 0) parts.push(formatGaps(gaps).join('\n'));
  return parts.join('\n\n');
}

function healthOf({ looked, gaps }: Pick<Examination, 'looked' | 'gaps'>): string {
  if (looked === 0) return 'no objects of a delivery were found';
  return `nothing wrong${gaps.length > 0 ? ' where it could be looked' : ''}: ${looked} objects looked at`;
}

function examinationMarkdown({ findings, unexplained, looked, gaps }: Examination): string {
  const parts = ['## millrace doctor', `${looked} objects looked at`];
  for (const finding of findings) {
    const seen = finding.objects.map((object) => `- seen at ${object}`);
    const follows = finding.consequences.map((consequence) => `- follows: ${consequence}`);
    parts.push(findingsMarkdown([finding]), [...seen, ...follows].join('\n'));
  }
  for (const { object, message } of unexplained) parts.push(`### not known: ${object}`, codeBlock(message));
  if (findings.length + unexplained.length === 0)
    parts.push(gaps.length > 0 ? 'Nothing wrong where it could be looked.' : 'Nothing wrong.');
  if (gaps.length > 0)
    parts.push(
      '### Not looked at',
      formatGaps(gaps)
        .map((line) => `- ${line}`)
        .join('\n'),
    );
  return parts.join('\n\n');
}

function findingsMarkdown(findings: readonly Finding[]): string {
  if (findings.length === 0) return 'Nothing wrong.';
  return findings
    .map(({ code, confidence, cause, evidence, fix, commands, placeholders, diff }) =>
      [
        `### ${code} (${Math.round(confidence * 100)} % sure)`,
        cause,
        evidence.map((line) => `- ${line}`).join('\n'),
        `**Fix:** ${fix}`,
        ...(commands.length > 0 ? [codeBlock(commands.join('\n'))] : []),
        ...legend(placeholders).map((line) => `- ${line}`),
        ...(diff === undefined ? [] : [codeBlock(diff)]),
      ].join('\n\n'),
    )
    .join('\n\n');
}

async function readFacts(file: unknown, { cwd }: CliContext): Promise<Facts> {
  if (typeof file !== 'string') return {};
  const path = resolve(cwd, file);
  try {
    const facts: unknown = JSON.parse(await readFile(path, 'utf8'));
    if (isRecord(facts)) return facts;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new MillraceError('BAD_INPUT', `--context ${path}: ${reason}`, { cause, retry: 'never' });
  }
  throw new MillraceError('BAD_INPUT', `--context ${path}: not a JSON object of facts`, { retry: 'never' });
}

/** Root cause first, then what else it could be. */
export function formatFindings(findings: readonly Finding[]): string {
  const [first, ...others] = findings;
  if (first === undefined) return 'nothing wrong';
  const lines = [
    `${first.code} (${Math.round(first.confidence * 100)} % sure)`,
    '',
    `cause     ${first.cause}`,
    ...first.evidence.map((evidence) => `evidence  ${evidence}`),
    `fix       ${first.fix}`,
    ...first.commands.map((command) => `          $ ${command}`),
    ...legend(first.placeholders).map((line) => `          ${line}`),
    ...(first.diff === undefined ? [] : [first.diff.replaceAll(/^/gm, '          ')]),
    `more      millrace explain ${first.code}`,
  ];
  if (others.length > 0) {
    lines.push('', 'it could also be:');
    for (const { code, confidence, cause } of others)
      lines.push(`  ${code} (${Math.round(confidence * 100)} %): ${cause}`);
  }
  return lines.join('\n');
}

/** What is left to put into the commands. */
function legend(placeholders: Readonly<Record<string, string>>): string[] {
  return Object.entries(placeholders).map(([name, meaning]) => `$${name}: ${meaning}`);
}
