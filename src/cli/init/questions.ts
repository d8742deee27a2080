import { createInterface } from 'node:readline/promises';
import type { z } from 'zod';
import { MillraceError } from '../../base/error.ts';
import type { CliContext } from '../context.ts';
import type { Finding } from './discover.ts';

export interface Question {
  text: string;
  /** The option that answers it. */
  option: string;
  schema: z.ZodType<string>;
  given: string | undefined;
  found: Finding | undefined;
  /** Shown before the question. */
  note?: string;
}

/** Asks on a terminal, where what was found is the default; elsewhere what was found is taken. */
export interface Questions {
  isTerminal: boolean;
  /** Undefined where there is neither a terminal nor a finding; see `requireAnswers`. Throws BAD_INPUT for an option that cannot be. */
  settle(question: Question): Promise<Finding | undefined>;
  /** Throws BAD_INPUT with every question that stayed open. */
  requireAnswers(): void;
  close(): void;
}

export function newQuestions({ stdin, stderr, signal }: CliContext): Questions {
  const isTerminal = 'isTTY' in stdin && stdin.isTTY === true;
  const open: string[] = [];
  const lines = isTerminal ? createInterface({ input: stdin, output: stderr }) : undefined;
  const ended = new AbortController();
  lines?.once('close', () => ended.abort());
  // In raw mode the terminal sends no signal by itself.
  lines?.once('SIGINT', () => process.kill(process.pid, 'SIGINT'));

  const ask = async ({ text, option, schema, found, note }: Question): Promise<Finding> => {
    if (note !== undefined) stderr.write(`${note}\n`);
    const prompt = `${text}${found === undefined ? '' : ` [${found.value}]`}: `;
    for (;;) {
      const answer = await read(prompt, option);
      if (answer === '' && found !== undefined) return found;
      const fault = faultOf(schema, answer);
      if (fault === undefined) return { value: answer, from: 'answered' };
      stderr.write(`  ${fault}\n`);
    }
  };
  const read = async (prompt: string, option: string): Promise<string> => {
    try {
      return ((await lines?.question(prompt, { signal: AbortSignal.any([signal, ended.signal]) })) ?? '').trim();
    } catch (cause) {
      if (signal.aborted) throw cause;
      throw new MillraceError('BAD_INPUT', 'the input ended before everything was answered; nothing was written', {
        cause,
        hint: `Give the rest by options, from ${option} on.`,
      });
    }
  };
  return {
    isTerminal,
    async settle(question) {
      const { given, found, option, text, schema } = question;
      if (given !== undefined) {
        const fault = faultOf(schema, given);
        if (fault !== undefined) throw new MillraceError('BAD_INPUT', `${option}: ${fault}`, { retry: 'never' });
        return { value: given, from: option };
      }
      if (isTerminal) return ask(question);
      if (found === undefined) open.push(`${text} (${option})`);
      return found;
    },
    requireAnswers() {
      if (open.length === 0) return;
      throw new MillraceError('BAD_INPUT', `could not be found out: ${open.join(', ')}`, {
        retry: 'never',
        hint: 'Give them by these options, or run `millrace init` in a terminal, where it asks.',
      });
    },
    close: () => lines?.close(),
  };
}

function faultOf(schema: z.ZodType<string>, value: string): string | undefined {
  const result = schema.safeParse(value);
  return result.success ? undefined : result.error.issues.map(({ message }) => message).join('; ');
}
