import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseDuration } from '../base/duration.ts';
import { errorMessage, MillraceError } from '../base/error.ts';
import { isRecord, textAt } from '../base/json.ts';
import type { KubeObject } from '../base/kube-object.ts';
import { parseMappings } from '../yaml/documents.ts';
import { orCannotCheck } from './cannot-check.ts';
import { type CommandModule, examples, outputOption } from './command.ts';
import type { CliContext, CommandResult } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { requireGit } from './up/require-git.ts';

export const register: CommandModule['register'] = (program, shell) => {
  program
    .command('rehearse')
    .description(
      'run your own GitOps tree in the sandbox, push an image to it, and say whether it would be delivered; neither the ' +
        'repository nor any cluster is touched',
    )
    .requiredOption('--repo <path|url>', 'the GitOps repository: a folder as it is now, or a URL to clone')
    .requiredOption('--image <repo:tag>', 'image to push; its last part is enough (repeatable)', collect, [])
    .option('--path <folder>', 'folder that the cluster is synchronised from (default: found in the tree)')
    .option('--ref <branch|tag>', 'rehearse this instead of the folder as it is')
    .option('--existing <repo:tag>', 'tag that the registry has already (repeatable)', collect, [])
    .option('--policy <file>', "IAM policy of the scanner's role, JSON (repeatable)", collect, [])
    .option('--trust <file>', "trust policy of the scanner's role, JSON")
    .option('--issuer <url>', "the cluster's OIDC issuer, where the trust policy names several")
    .option('--given <file>', 'objects that the cluster has from elsewhere, YAML (repeatable)', collect, [])
    .option('--sops-age-key <file>', 'age key that decrypts the tree (default: encrypted values are made up)')
    .option('--timeout <duration>', 'how long the start and the delivery may take, each', '3m')
    .option('--markdown', 'print the report as Markdown')
    .addOption(outputOption())
    .addHelpText(
      'after',
      examples(
        'millrace rehearse --repo . --image mainapp:1.4.2',
        'millrace rehearse --repo . --path clusters/prod --image mainapp:1.4.2 --policy iam/policy.json --trust iam/trust.json',
        'millrace rehearse --repo https://bitbucket.org/acme/fleet.git --image mainapp:1.4.2 --markdown',
        '',
        'Exit codes: 0 it would be delivered, 1 it would not or something is wrong, 2 it could not be rehearsed.',
      ),
    )
    .action(shell.action((_args, options, context) => orCannotCheck(context, () => runRehearsal(options, context))));
};

async function runRehearsal(options: Record<string, unknown>, context: CliContext): Promise<CommandResult> {
  await requireGit(context);
  const { rehearse } = await import('./rehearse/rehearsal.ts');
  const { formatMarkdown, formatText, isClean } = await import('./rehearse/report.ts');
  const text = (name: string) => (typeof options[name] === 'string' ? options[name] : undefined);
  const list = (name: string) => (Array.isArray(options[name]) ? options[name].map(String) : []);
  const document = async (file: string) => ({ file, text: await readInput(file, context) });
  const [trust, sopsAgeKey] = [text('trust'), text('sopsAgeKey')];
  const rehearsal = await rehearse(
    {
      repo: text('repo') ?? '.',
      ref: text('ref'),
      path: text('path'),
      images: list('image'),
      existing: list('existing'),
      trust: trust === undefined ? undefined : await document(trust),
      policies: await Promise.all(list('policy').map(document)),
      issuer: text('issuer'),
      given: (await Promise.all(list('given').map((file) => readObjects(file, context)))).flat(),
      sopsAgeKey: sopsAgeKey === undefined ? undefined : await readInput(sopsAgeKey, context),
      timeoutMs: parseDuration(text('timeout') ?? '', '--timeout'),
    },
    context,
    (line) => context.stderr.write(`${line}\n`),
  );
  const exitCode = isClean(rehearsal) ? exitCodes.ok : exitCodes.failed;
  const report = options['markdown'] === true ? formatMarkdown(rehearsal) : `\n${formatText(rehearsal)}`;
  return { text: report, data: rehearsal, exitCode };
}

async function readInput(file: string, { cwd }: CliContext): Promise<string> {
  try {
    return await readFile(resolve(cwd, file), 'utf8');
  } catch (cause) {
    throw new MillraceError('BAD_INPUT', `cannot read ${file}: ${errorMessage(cause)}`, { cause, retry: 'never' });
  }
}

async function readObjects(file: string, context: CliContext): Promise<KubeObject[]> {
  return parseMappings(await readInput(file, context), file).map((document) => {
    const name = isRecord(document['metadata']) ? textAt(document, 'metadata', 'name') : undefined;
    if (textAt(document, 'apiVersion') !== undefined && textAt(document, 'kind') !== undefined && name !== undefined)
      return document as KubeObject;
    throw new MillraceError('BAD_INPUT', `${file} holds a document that is no Kubernetes object`, { retry: 'never' });
  });
}

function collect(value: string, before: string[]): string[] {
  return [...before, value];
}
