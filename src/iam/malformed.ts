import { MillraceError } from '../base/error.ts';

/** The error for a document that IAM would refuse; `message` is in IAM's own words. */
export function malformed(message: string): MillraceError {
  return new MillraceError('IAM_POLICY_MALFORMED', message, {
    retry: 'never',
    hint: 'Compare the document with the IAM policy grammar (IAM user guide, "Grammar of the IAM JSON policy language").',
  });
}
