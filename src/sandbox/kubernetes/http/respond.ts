import type { ServerResponse } from 'node:http';
import { dump } from 'js-yaml';
import { StatusError } from '../errors/status-error.ts';
import type { AnswerForm } from './negotiate.ts';

/** Writes a whole answer with its warnings. */
export function send(
  response: ServerResponse,
  code: number,
  body: unknown,
  form: Pick<AnswerForm, 'type' | 'pretty'>,
  warnings: readonly string[] = [],
): void {
  const text =
    form.type === 'application/yaml'
      ? dump(body, { noRefs: true })
      : JSON.stringify(body, null, form.pretty ? 2 : undefined);
  sendText(response, code, form.type, text, warnings);
}

export function sendText(
  response: ServerResponse,
  code: number,
  type: string,
  text: string,
  warnings: readonly string[] = [],
): void {
  const bytes = Buffer.from(text);
  const headers: Record<string, string | string[] | number> = {
    'Content-Type': type,
    'Content-Length': bytes.length,
    'Cache-Control': 'no-cache, private',
  };
  if (warnings.length > 0) headers['Warning'] = [...new Set(warnings)].map((text) => `299 - ${JSON.stringify(text)}`);
  response.writeHead(code, headers);
  response.end(bytes);
}

/** Answers with the Status of an error; anything that is not a refusal of ours is an internal error. */
export function sendError(response: ServerResponse, error: unknown, warnings: readonly string[] = []): void {
  if (response.headersSent) {
    response.end();
    return;
  }
  const refusal =
    error instanceof StatusError
      ? error
      : new StatusError(
          500,
          'InternalError',
          `Internal error occurred: ${error instanceof Error ? error.message : String(error)}`,
          {
            causes: [{ message: error instanceof Error ? error.message : String(error) }],
          },
        );
  const { retryAfterSeconds } = refusal.details ?? {};
  if (retryAfterSeconds !== undefined) response.setHeader('Retry-After', String(retryAfterSeconds));
  if (refusal.code === 413) response.setHeader('Connection', 'close');
  sendText(response, refusal.code, 'application/json', JSON.stringify(refusal.toStatus()), warnings);
}
