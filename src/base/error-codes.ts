/**
 * Every code that an error of ours can carry, with what it means and what to do. docs/errors.md is generated from this
 * table (`npm run docs`), and a test holds the two together. A code that is no longer used is never given a new meaning.
 */
export const errorCodes = {
  BAD_INPUT: {
    meaning: 'A value given by the user (an argument, a file, a field) is not of the expected form.',
    fix: 'The message names the value and the form that is expected.',
  },
  DEADLINE_EXCEEDED: {
    meaning: 'An operation took longer than it was allowed to.',
    fix: 'Check that the service named in the message is reachable; raise the timeout if it is only slow.',
  },
  HTTP_STATUS: {
    meaning: 'A service answered a request with an error status.',
    fix: 'The message gives the service, the request and the answer.',
  },
  HTTP_UNREACHABLE: {
    meaning: 'A service could not be reached: name resolution, connection or TLS failed.',
    fix: 'Check the address, the network, a proxy, and the certificate authority.',
  },
} as const satisfies Record<string, { meaning: string; fix: string }>;

export type ErrorCode = keyof typeof errorCodes;
