export { isMillraceError, MillraceError } from './base/error.ts';
export { type ErrorCode, errorCodes } from './base/error-codes.ts';
export { version } from './version.ts';
