/** One fault of a field, in the words of the API server's validation. */
export interface FieldError {
  reason:
    | 'FieldValueRequired'
    | 'FieldValueInvalid'
    | 'FieldValueDuplicate'
    | 'FieldValueForbidden'
    | 'FieldValueNotFound'
    | 'FieldValueNotSupported'
    | 'FieldValueTooLong'
    | 'FieldValueTooMany'
    | 'FieldValueTypeInvalid'
    | 'InternalError';
  field: string;
  /** The offending value; only some reasons show it. */
  value?: unknown;
  detail: string;
  /** Leaves the value out of the text. */
  omitValue?: boolean;
}

export function required(field: string, detail = ''): FieldError {
  return { reason: 'FieldValueRequired', field, detail };
}

export function invalidValue(field: string, value: unknown, detail: string): FieldError {
  return { reason: 'FieldValueInvalid', field, value, detail };
}

export function typeInvalid(field: string, value: unknown, detail: string): FieldError {
  return { reason: 'FieldValueTypeInvalid', field, value, detail };
}

export function duplicate(field: string, value: unknown): FieldError {
  return { reason: 'FieldValueDuplicate', field, value, detail: '' };
}

export function forbiddenField(field: string, detail: string): FieldError {
  return { reason: 'FieldValueForbidden', field, detail };
}

export function notFoundField(field: string, value: unknown): FieldError {
  return { reason: 'FieldValueNotFound', field, value, detail: '' };
}

export function unsupported(field: string, value: unknown, supported: readonly unknown[]): FieldError {
  const detail =
    supported.length === 0 ? '' : `supported values: ${supported.map((option) => JSON.stringify(option)).join(', ')}`;
  return { reason: 'FieldValueNotSupported', field, value, detail };
}

export function tooLong(field: string, maxBytes: number): FieldError {
  return { reason: 'FieldValueTooLong', field, detail: `may not be more than ${maxBytes} bytes` };
}

export function tooMany(field: string, actual: number, most: number): FieldError {
  return { reason: 'FieldValueTooMany', field, value: actual, detail: `must have at most ${most} items` };
}

const titles: Record<FieldError['reason'], string> = {
  FieldValueRequired: 'Required value',
  FieldValueInvalid: 'Invalid value',
  FieldValueDuplicate: 'Duplicate value',
  FieldValueForbidden: 'Forbidden',
  FieldValueNotFound: 'Not found',
  FieldValueNotSupported: 'Unsupported value',
  FieldValueTooLong: 'Too long',
  FieldValueTooMany: 'Too many',
  FieldValueTypeInvalid: 'Invalid value',
  InternalError: 'Internal error',
};

const valueHidden: ReadonlySet<FieldError['reason']> = new Set([
  'FieldValueRequired',
  'FieldValueForbidden',
  'FieldValueTooLong',
  'InternalError',
]);

/** The error without its field: `Invalid value: "x": must be …`. */
export function errorBody({ reason, value, detail, omitValue }: FieldError): string {
  const shown =
    valueHidden.has(reason) || omitValue === true ? titles[reason] : `${titles[reason]}: ${formatValue(value)}`;
  return detail === '' ? shown : `${shown}: ${detail}`;
}

function formatValue(value: unknown): string {
  return value === undefined ? 'null' : JSON.stringify(value);
}

/** All errors as one text: a single one plainly, several in brackets, equal ones once. */
export function formatFieldErrors(errors: readonly FieldError[]): string {
  const texts = [...new Set(errors.map((error) => `${error.field}: ${errorBody(error)}`))];
  return texts.length === 1 ? (texts[0] ?? '') : `[${texts.join(', ')}]`;
}
