import { Option, type Command as Program } from 'commander';
import type { CliContext, CommandResult } from './context.ts';

/** A command's module: one file per command in this folder, exporting `register`. */
export interface CommandModule {
  /** Adds the command, its options and its help (with a runnable example) to `program`. */
  register(program: Program, shell: Shell): void;
}

export type Handler = (
  args: string[],
  options: Record<string, unknown>,
  context: CliContext,
) => Promise<CommandResult | undefined>;

/** Runs a handler when commander has parsed the line, and keeps its result for printing. */
export interface Shell {
  action(handler: Handler): (this: Program, ...args: unknown[]) => Promise<void>;
}

/** The `-o` option as every command that returns data has it. */
export function outputOption(): Option {
  return new Option('-o, --output <format>', 'print the result in this form')
    .choices(['text', 'json', 'yaml'])
    .default('text');
}

/** Help lines that end a command's help: examples, one a line. */
export function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}\n`;
}
