/** An error as an AWS service answers it: the code and message are AWS's own, `status` is the HTTP status. */
export class AwsFault extends Error {
  override readonly name = 'AwsFault';
  readonly code: string;
  readonly status: number;

  constructor(code: string, message: string, status = 400) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

/** The fault of a constraint that a parameter breaks, in the words of AWS's request validation. */
export function validationFault(value: string, member: string, constraint: string, code = 'ValidationError'): AwsFault {
  return new AwsFault(
    code,
    `1 validation error detected: Value '${value}' at '${member}' failed to satisfy constraint: ${constraint}`,
  );
}
