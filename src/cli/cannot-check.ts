import { isMillraceError } from '../base/error.ts';
import type { CliContext, CommandResult } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { printError } from './print.ts';

/** Runs a diagnosis; where it cannot be made at all, the error is printed and the exit code says so. */
export async function orCannotCheck(context: CliContext, work: () => Promise<CommandResult>): Promise<CommandResult> {
  try {
    return await work();
  } catch (error) {
    if (context.signal.aborted || !isMillraceError(error)) throw error;
    printError(error, context);
    return { exitCode: exitCodes.usage };
  }
}
