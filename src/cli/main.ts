import { Command, CommanderError } from 'commander';
import { newLifetime } from '../base/deadline.ts';
import { isMillraceError } from '../base/error.ts';
import { version } from '../version.ts';
import type { Handler, Shell } from './command.ts';
import { commands, inOurOrder } from './commands.ts';
import type { CliContext, CommandResult } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { printError, printResult } from './print.ts';

/** Runs one command line and returns the exit code; the only place that knows the process. */
export async function main(argv: string[]): Promise<number> {
  const interrupt = newLifetime();
  // Which Node versions we run on is ours to say; the AWS SDK would say it into every command's output.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
  const onSignal = () => interrupt.abort(new DOMException('interrupted', 'AbortError'));
  process.once('SIGINT', onSignal);
  process.once('SIGTERM', onSignal);
  try {
    return await runCommand(argv, {
      stdin: process.stdin,
      stdout: process.stdout,
      stderr: process.stderr,
      env: process.env,
      cwd: process.cwd(),
      program: [process.execPath, process.argv[1] ?? ''],
      color: process.stdout.isTTY === true && !process.env['NO_COLOR'],
      signal: interrupt.signal,
    });
  } finally {
    process.removeListener('SIGINT', onSignal);
    process.removeListener('SIGTERM', onSignal);
  }
}

/** The command line over an explicit context: what tests call. */
export async function runCommand(line: readonly string[], context: CliContext): Promise<number> {
  const argv = inOurOrder(line);
  let exitCode: number = exitCodes.ok;
  const shell: Shell = {
    action: (handler) =>
      async function (this: Command, ...args) {
        const result = await callHandler(handler, args, context);
        if (result === undefined) return;
        printResult(result, outputFormat(args), context);
        exitCode = result.exitCode ?? exitCode;
      },
  };
  const program = newProgram(context);
  try {
    await registerCommands(program, argv, shell);
    await program.parseAsync(argv, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    if (context.signal.aborted) return exitCodes.interrupted;
    printError(error, context);
    return isMillraceError(error, 'BAD_INPUT') ? exitCodes.usage : exitCodes.failed;
  }
}

function newProgram(context: CliContext): Command {
  return new Command('millrace')
    .description('Carries a container image from push to running pods through git, and explains every step.')
    .version(version, '-V, --version')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void context.stdout.write(text),
      writeErr: (text) => void context.stderr.write(text),
    })
    .showHelpAfterError('(add --help for usage and examples)');
}

async function registerCommands(program: Command, argv: string[], shell: Shell): Promise<void> {
  const asked = argv.find((argument) => !argument.startsWith('-'));
  const entry = commands.find(({ name }) => name === asked);
  if (entry !== undefined) {
    (await entry.load()).register(program, shell);
    return;
  }
  for (const { name, summary } of commands) program.command(name).description(summary);
  if (asked === undefined) program.action(() => program.help());
}

/** Commander passes the arguments, then the options, then the command. */
function callHandler(handler: Handler, args: unknown[], context: CliContext): Promise<CommandResult | undefined> {
  const operands = args
    .slice(0, -2)
    .flat()
    .filter((value): value is string => typeof value === 'string');
  return handler(operands, args.at(-2) as Record<string, unknown>, context);
}

function outputFormat(args: unknown[]): string {
  const { output } = args.at(-2) as { output?: unknown };
  return typeof output === 'string' ? output : 'text';
}
