/** A template that does not parse. */
export class TemplateSyntaxError extends Error {
  override readonly name = 'TemplateSyntaxError';
  constructor(line: number, message: string) {
    super(`template: commit message:${line}: ${message}`);
  }
}

/** A template that parsed and failed while it was executed. */
export class TemplateExecutionError extends Error {
  override readonly name = 'TemplateExecutionError';
}
