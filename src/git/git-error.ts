import { MillraceError, type RetryAdvice } from '../base/error.ts';
import type { ErrorCode } from '../base/error-codes.ts';
import { redact } from '../base/redact.ts';
import type { ProcessResult } from './process.ts';

interface Symptom {
  /** What git (2.34 to 2.5x, LC_ALL=C), libcurl or OpenSSH prints. */
  pattern: RegExp;
  code: ErrorCode;
  /** Said in place of git's words, where those are about git's own ways. */
  says?: string;
  hint?: string;
  retry?: RetryAdvice;
}

const authHint = 'Check user name and token (or key) and that they may read (for a push: write) this repository.';

/** The first that fits decides: specific lines before the summing-up ones that git prints after them. */
const symptoms: readonly Symptom[] = [
  {
    pattern: /host key verification failed|no .* host key is known|REMOTE HOST IDENTIFICATION HAS CHANGED/i,
    code: 'GIT_HOST_KEY_REJECTED',
    hint: "Compare the server's key out of band, then put it into known_hosts (ssh-keyscan HOST).",
  },
  { pattern: /permission denied \(|too many authentication failures/i, code: 'GIT_AUTH_DENIED', hint: authHint },
  { pattern: /error in libcrypto|invalid format|incorrect passphrase/i, code: 'GIT_AUTH_DENIED', hint: authHint },
  {
    // After a refusal git asks for another credential, and nobody is there to answer.
    pattern: /could not read (username|password)/i,
    code: 'GIT_AUTH_DENIED',
    says: 'authentication required',
    hint: authHint,
  },
  {
    pattern: /authentication failed for|returned error: (401|403)/i,
    code: 'GIT_AUTH_DENIED',
    hint: authHint,
  },
  { pattern: /returned error: 407|proxy authentication required|response 407/i, code: 'GIT_AUTH_DENIED' },
  { pattern: /returned error: 429/i, code: 'GIT_RATE_LIMITED' },
  {
    pattern: /returned error: 30[1-8]/i,
    code: 'GIT_REDIRECTED',
    hint: 'Write the address that the server redirects to.',
  },
  {
    pattern: /repository '[^']*' not found|returned error: (404|410)|does not appear to be a git repository/i,
    code: 'GIT_REPOSITORY_NOT_FOUND',
    hint: 'Check the URL; many servers also answer so where the credential may not see the repository.',
  },
  { pattern: /(couldn't|could not) find remote ref|remote branch .* not found/i, code: 'GIT_REF_NOT_FOUND' },
  { pattern: /not our ref|unadvertised object|remote error: upload-pack: not our ref/i, code: 'GIT_REF_NOT_FOUND' },
  {
    pattern: /certificate|SSL|TLS|gnutls_handshake|unable to set .* key file/,
    code: 'GIT_TLS_FAILED',
    hint: 'Check the certificate and its dates; a private authority goes into ca.crt of the Secret.',
  },
  {
    pattern:
      /could not resolve|name or service not known|failed to connect|couldn't connect|connection (refused|timed out)|no route to host|network is unreachable/i,
    code: 'GIT_UNREACHABLE',
  },
  {
    pattern:
      /bad object|corrupt|object file .* is empty|unable to read (tree|sha1)|not a valid object|index file .* (is too small|corrupt)|pack.* (too small|is corrupt)/i,
    code: 'GIT_OBJECT_UNREADABLE',
  },
  { pattern: /mismatched algorithms/i, code: 'GIT_HASH_DIFFERS' },
  { pattern: /transport '[^']*' not allowed/i, code: 'GIT_URL_INVALID', retry: 'never' },
  { pattern: /remote error:|^ERR /im, code: 'GIT_SERVER_ERROR' },
  { pattern: /returned error: [45]\d\d/i, code: 'GIT_SERVER_ERROR' },
  {
    pattern:
      /early EOF|RPC failed|hung up|unexpected disconnect|bad pack|protocol error|pack has .* unresolved|connection (reset|was reset|closed)|empty reply|recv failure|invalid server response|bad line length|inflate|malformed|expected|not valid: is this a git repository|unable to access/i,
    code: 'GIT_PROTOCOL_ERROR',
  },
];

/** What a failed git command means, as an error that a user can act on. `what` says what was tried, with the URL. */
export function gitError(what: string, result: Pick<ProcessResult, 'stderr' | 'exitCode'>): MillraceError {
  const text = tidy(result.stderr);
  const symptom = symptoms.find(({ pattern }) => pattern.test(result.stderr));
  const detail = symptom?.says ?? (text === '' ? `git ended with exit code ${result.exitCode}` : text);
  return new MillraceError(symptom?.code ?? 'GIT_FAILED', `${what}: ${detail}`, {
    ...(symptom?.hint === undefined ? {} : { hint: symptom.hint }),
    ...(symptom?.retry === undefined ? {} : { retry: symptom.retry }),
  });
}

/** `git ls-remote`, for messages: the first word is enough, operands may be private. */
export function formatCommand(args: readonly string[]): string {
  return `git ${args.find((argument) => !argument.startsWith('-')) ?? ''}`.trim();
}

const noise = /^(hint:|warning:|remote: (Enumerating|Counting|Compressing|Total)|From |Cloning|POST git-|\s*$)/;
const closing = [
  /^Please make sure you have the correct access rights$/,
  /^and the repository exists\.$/,
  /^@+/,
  /^fatal: Could not read from remote repository\.$/,
];
const maxDetailLength = 1000;

/** The lines that say something, on one line, without git's stock phrases. */
function tidy(stderr: string): string {
  const lines = redact(stderr)
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter((line) => !noise.test(line) && !closing.some((pattern) => pattern.test(line)))
    .map((line) => line.replace(/^(fatal|error): /, ''));
  return [...new Set(lines)].join('; ').slice(0, maxDetailLength);
}
