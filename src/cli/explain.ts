import type { Command } from 'commander';
import { MillraceError } from '../base/error.ts';
import { errorCodes } from '../base/error-codes.ts';
import { failurePage } from '../diagnose/doctor/page.ts';
import { rules } from '../diagnose/doctor/rules/index.ts';
import { examples, outputOption, type Shell } from './command.ts';
import type { CommandResult } from './context.ts';

export function register(program: Command, shell: Shell): void {
  program
    .command('explain')
    .argument('[code]', 'a failure code of doctor, or the code of an error; all of them when left out')
    .description('explain a failure code or an error code')
    .addOption(outputOption())
    .addHelpText(
      'after',
      examples('millrace explain irsa-annotation-missing', 'millrace explain DEADLINE_EXCEEDED', 'millrace explain'),
    )
    .action(shell.action(async ([code]) => explain(code)));
}

function explain(code: string | undefined): CommandResult {
  if (code === undefined) {
    const listed = rules.map((rule) => ({ code: rule.code, cause: rule.cause }));
    return { data: listed, text: listed.map((entry) => `${entry.code.padEnd(36)} ${entry.cause}`).join('\n') };
  }
  const rule = rules.find((candidate) => candidate.code === code);
  if (rule !== undefined) {
    return { data: { code, cause: rule.cause, fix: rule.fix, commands: rule.commands ?? [] }, text: failurePage(rule) };
  }
  const error = Object.entries(errorCodes).find(([name]) => name === code.toUpperCase())?.[1];
  if (error !== undefined)
    return { data: { code, ...error }, text: `${code.toUpperCase()}\n\n${error.meaning}\n\n${error.fix}` };
  throw new MillraceError('BAD_INPUT', `there is no code '${code}'`, {
    hint: '`millrace explain` lists the failure codes; docs/errors.md lists the error codes.',
    retry: 'never',
  });
}
