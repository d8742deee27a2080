import { executeTemplate } from './evaluate.ts';
import { createFunctionTable } from './functions/function-table.ts';
import { parseTemplate } from './parser.ts';
import type { Value } from './value.ts';

/** A parsed template: Go's text/template with Sprig's hermetic text functions. */
export interface Template {
  /** Throws TemplateExecutionError. */
  render(data: Value): string;
}

/** Parses a template; throws TemplateSyntaxError. `now` is the time in milliseconds, for the functions of time. */
export function compileTemplate(source: string, now: () => number): Template {
  const functions = createFunctionTable(now);
  const parsed = parseTemplate(source, functions.has);
  return { render: (data) => executeTemplate(parsed, data, functions) };
}
