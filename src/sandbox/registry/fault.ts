/** An error of the registry protocol: `code` is one of the distribution specification's, the message ECR's. */
export class RegistryFault extends Error {
  override readonly name = 'RegistryFault';
  readonly status: number;
  /** Undefined for the bare 401 of ECR, whose body is the text `Not Authorized`. */
  readonly code: string | undefined;

  constructor(status: number, code: string | undefined, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export function notAuthorized(): RegistryFault {
  return new RegistryFault(401, undefined, 'Not Authorized');
}

export function denied(message: string): RegistryFault {
  return new RegistryFault(403, 'DENIED', message);
}

export function unsupported(message: string): RegistryFault {
  return new RegistryFault(405, 'UNSUPPORTED', message);
}
