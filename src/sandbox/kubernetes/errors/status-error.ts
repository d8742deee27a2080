import { errorBody, type FieldError, formatFieldErrors } from './field-error.ts';

/** The resource of an object as errors name it: `deployments.apps`, `configmaps`. */
export interface GroupResource {
  group: string;
  resource: string;
}

export interface GroupKind {
  group: string;
  kind: string;
}

export interface StatusCause {
  reason?: string;
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

/** `meta/v1 Status`: what the API answers instead of an object. */
export interface Status {
  kind: 'Status';
  apiVersion: 'v1';
  /** `continue` where a list can go on from an answer of 410. */
  metadata: { continue?: string };
  status: 'Success' | 'Failure';
  message?: string;
  reason?: string;
  details?: StatusDetails;
  code?: number;
}

/** A refusal of the API: thrown anywhere below a request, answered as a `Status` with its code. */
export class StatusError extends Error {
  override readonly name = 'StatusError';
  readonly code: number;
  readonly reason: string | undefined;
  readonly details: StatusDetails | undefined;

  readonly metadata: Status['metadata'];

  constructor(
    code: number,
    reason: string | undefined,
    message: string,
    details?: StatusDetails,
    metadata: Status['metadata'] = {},
  ) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.details = details;
    this.metadata = metadata;
  }

  toStatus(): Status {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: this.metadata,
      status: 'Failure',
      message: this.message,
      ...(this.reason !== undefined && { reason: this.reason }),
      ...(this.details !== undefined && { details: this.details }),
      code: this.code,
    };
  }
}

function groupResourceText({ group, resource }: GroupResource): string {
  return group === '' ? resource : `${resource}.${group}`;
}

export function groupKindText({ group, kind }: GroupKind): string {
  return group === '' ? kind : `${kind}.${group}`;
}

/** Details with the name, the group where there is one, and the resource in `kind`, as Kubernetes fills them. */
export function resourceDetails({ group, resource }: GroupResource, name: string): StatusDetails {
  return { ...(name !== '' && { name }), ...(group !== '' && { group }), kind: resource };
}

export function notFound(resource: GroupResource, name: string): StatusError {
  const message = `${groupResourceText(resource)} "${name}" not found`;
  return new StatusError(404, 'NotFound', message, resourceDetails(resource, name));
}

export function alreadyExists(resource: GroupResource, name: string): StatusError {
  const message = `${groupResourceText(resource)} "${name}" already exists`;
  return new StatusError(409, 'AlreadyExists', message, resourceDetails(resource, name));
}

export function conflict(resource: GroupResource, name: string, why: string): StatusError {
  const message = `Operation cannot be fulfilled on ${groupResourceText(resource)} "${name}": ${why}`;
  return new StatusError(409, 'Conflict', message, resourceDetails(resource, name));
}

export const modifiedMeanwhile =
  'the object has been modified; please apply your changes to the latest version and try again';

export function forbidden(resource: GroupResource, name: string, why: string): StatusError {
  const subject = name === '' ? groupResourceText(resource) : `${groupResourceText(resource)} "${name}"`;
  const details = resourceDetails(resource, name);
  return new StatusError(403, 'Forbidden', `${subject} is forbidden: ${why}`, details);
}

export function badRequest(message: string): StatusError {
  return new StatusError(400, 'BadRequest', message);
}

export function methodNotSupported(resource: GroupResource, verb: string): StatusError {
  const message = `${verb} is not supported on resources of kind "${groupResourceText(resource)}"`;
  return new StatusError(405, 'MethodNotAllowed', message, resourceDetails(resource, ''));
}

/** An error without a reason, which is how the API reports what it did not expect. */
export function internalError(message: string): StatusError {
  return new StatusError(500, undefined, message);
}

/** 422 with a cause for each field. */
export function invalid(kind: GroupKind, name: string, errors: readonly FieldError[]): StatusError {
  const causes = errors.map(
    (error): StatusCause => ({
      reason: error.reason,
      message: errorBody(error),
      field: error.field,
    }),
  );
  const message = `${groupKindText(kind)} "${name}" is invalid: ${formatFieldErrors(errors)}`;
  const details = { ...(name !== '' && { name }), ...(kind.group !== '' && { group: kind.group }), kind: kind.kind };
  return new StatusError(422, 'Invalid', message, { ...details, causes });
}

/** The answer to a path that nothing is served at. */
export function unknownPath(): StatusError {
  return new StatusError(404, 'NotFound', 'the server could not find the requested resource', {});
}
