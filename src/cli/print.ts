import { dump } from 'js-yaml';
import { errorMessage, isMillraceError } from '../base/error.ts';
import { redact } from '../base/redact.ts';
import type { CliContext, CommandResult } from './context.ts';

/** Prints a result to standard output in the form asked for; a command with neither text nor data prints nothing. */
export function printResult(result: CommandResult, format: string, { stdout }: CliContext): void {
  if (format === 'json' && result.data !== undefined) {
    stdout.write(`${JSON.stringify(result.data, null, 2)}\n`);
  } else if (format === 'yaml' && result.data !== undefined) {
    stdout.write(dump(result.data));
  } else if (result.text !== undefined && result.text !== '') {
    stdout.write(result.text.endsWith('\n') ? result.text : `${result.text}\n`);
  }
}

/** Prints an error as message, hint and code; a stack only for what is a bug of ours. */
export function printError(error: unknown, { stderr }: CliContext): void {
  if (isMillraceError(error)) {
    stderr.write(`error: ${error.message}\n`);
    if (error.hint !== undefined) stderr.write(`hint: ${error.hint}\n`);
    stderr.write(`code: ${error.code}\n`);
    return;
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : errorMessage(error);
  stderr.write(`internal error: ${redact(stack)}\nThis is a bug in millrace; please report it with the lines above.\n`);
}
