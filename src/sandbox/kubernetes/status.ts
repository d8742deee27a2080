/** One reason in the details of a failure. */
export interface StatusCause {
  reason: string;
  message: string;
  field?: string;
}

export interface StatusDetails {
  name?: string;
  group?: string;
  kind?: string;
  uid?: string;
  causes?: StatusCause[];
  retryAfterSeconds?: number;
}

/** A failure that is answered as a `Status` with the reason, message and details of the real API server. */
export class ApiFailure extends Error {
  override readonly name = 'ApiFailure';
  readonly code: number;
  readonly reason: string;
  readonly details: StatusDetails | undefined;

  constructor(code: number, reason: string, message: string, details?: StatusDetails) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.details = details;
  }

  toStatus(): Record<string, unknown> {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: this.message,
      ...(this.reason === '' ? {} : { reason: this.reason }),
      ...(this.details === undefined ? {} : { details: this.details }),
      code: this.code,
    };
  }
}

/** How messages name a resource: `deployments.apps`, `configmaps`. */
export interface ResourceName {
  group: string;
  plural: string;
  kind: string;
}

function qualified({ group, plural }: ResourceName): string {
  return group === '' ? plural : `${plural}.${group}`;
}

function detailsOf({ group, plural }: ResourceName, name: string): StatusDetails {
  return { name, ...(group === '' ? {} : { group }), kind: plural };
}

export function notFound(resource: ResourceName, name: string): ApiFailure {
  return new ApiFailure(404, 'NotFound', `${qualified(resource)} "${name}" not found`, detailsOf(resource, name));
}

export function alreadyExists(resource: ResourceName, name: string): ApiFailure {
  return new ApiFailure(
    409,
    'AlreadyExists',
    `${qualified(resource)} "${name}" already exists`,
    detailsOf(resource, name),
  );
}

export function conflict(resource: ResourceName, name: string, why: string): ApiFailure {
  const message = `Operation cannot be fulfilled on ${qualified(resource)} "${name}": ${why}`;
  return new ApiFailure(409, 'Conflict', message, detailsOf(resource, name));
}

export const modifiedMeanwhile =
  'the object has been modified; please apply your changes to the latest version and try again';

export function badRequest(message: string): ApiFailure {
  return new ApiFailure(400, 'BadRequest', message);
}

export function unauthorized(): ApiFailure {
  return new ApiFailure(401, 'Unauthorized', 'Unauthorized');
}

export function methodNotAllowed(): ApiFailure {
  return new ApiFailure(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {});
}

/** The path is of nothing that is served. */
export function noSuchPath(): ApiFailure {
  return new ApiFailure(404, 'NotFound', 'the server could not find the requested resource', {});
}

/** A field that is not valid, in the words of Kubernetes' field errors. */
export interface FieldFault {
  field: string;
  type: 'Required' | 'Invalid' | 'Forbidden' | 'NotSupported' | 'Duplicate' | 'TooLong' | 'TypeInvalid';
  message: string;
}

const causeReasons: Record<FieldFault['type'], string> = {
  Required: 'FieldValueRequired',
  Invalid: 'FieldValueInvalid',
  Forbidden: 'FieldValueForbidden',
  NotSupported: 'FieldValueNotSupported',
  Duplicate: 'FieldValueDuplicate',
  TooLong: 'FieldValueTooLong',
  TypeInvalid: 'FieldValueTypeInvalid',
};

export function required(field: string, why = ''): FieldFault {
  return { field, type: 'Required', message: why === '' ? 'Required value' : `Required value: ${why}` };
}

export function invalidValue(field: string, value: unknown, why: string): FieldFault {
  return { field, type: 'Invalid', message: `Invalid value: ${JSON.stringify(value ?? null)}: ${why}` };
}

export function forbiddenField(field: string, why: string): FieldFault {
  return { field, type: 'Forbidden', message: `Forbidden: ${why}` };
}

/** 422 with every fault as a cause. */
export function invalidObject(
  resource: Pick<ResourceName, 'group' | 'kind'>,
  name: string,
  faults: readonly FieldFault[],
): ApiFailure {
  const qualifiedKind = resource.group === '' ? resource.kind : `${resource.kind}.${resource.group}`;
  const texts = faults.map(({ field, message }) => `${field}: ${message}`);
  const all = texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`;
  return new ApiFailure(422, 'Invalid', `${qualifiedKind} "${name}" is invalid: ${all}`, {
    name,
    ...(resource.group === '' ? {} : { group: resource.group }),
    kind: resource.kind,
    causes: faults.map(({ field, type, message }) => ({ reason: causeReasons[type], message, field })),
  });
}
