import { MillraceError, type MillraceErrorOptions } from '../../../base/error.ts';

/** Never holds a value or a key: they are secrets, and so is what does not decrypt. */
export function sopsError(message: string, options: MillraceErrorOptions = {}): MillraceError {
  return new MillraceError('SOPS_DECRYPTION_FAILED', message, options);
}
