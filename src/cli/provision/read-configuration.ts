import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { errorMessage, MillraceError } from '../../base/error.ts';
import { type Configuration, parseConfiguration } from '../../provision/configuration.ts';
import { parseDocuments } from '../../yaml/documents.ts';
import type { CliContext } from '../context.ts';

/** Reads `millrace.yaml`. Throws BAD_INPUT, YAML_INVALID or CONFIGURATION_INVALID. */
export async function readConfiguration(file: string, { cwd }: CliContext): Promise<Configuration> {
  let text: string;
  try {
    text = await readFile(resolve(cwd, file), 'utf8');
  } catch (cause) {
    throw new MillraceError('BAD_INPUT', `cannot read ${file}: ${errorMessage(cause)}`, {
      cause,
      hint: '`millrace init` writes a configuration to begin with; -f names another file.',
    });
  }
  return parseConfiguration(parseDocuments(text, file)[0] ?? {}, file);
}
