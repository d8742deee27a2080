import { because, type Report, type Rule } from '../rule.ts';

export const gitCredentialsInvalid: Rule = {
  code: 'git-credentials-invalid',
  cause: 'The git host refuses the credentials (HTTP 401): missing, wrong, expired or revoked.',
  fix: 'Put a valid token into the Secret that spec.secretRef names; check its expiry.',
  commands: [
    'git ls-remote $URL',
    'kubectl -n $NS create secret generic $SECRET --from-literal=username=$USERNAME --from-literal=password=$TOKEN --dry-run=client -o yaml | kubectl apply -f -',
  ],
  says: [
    [/remote authentication required but no callback set/i, 0.9],
    [/(?<!proxy )authentication required/i, 0.9],
    [
      /too many redirects or authentication replays|\b401 (Unauthorized|Bad credentials)[^.]*(api\.github|gitlab|bitbucket|installation id)|(api\.github|gitlab|bitbucket|installation id)[\s\S]*\b401 (Unauthorized|Bad credentials)/i,
      0.88,
    ],
    [/unexpected http status code: 401|The requested URL returned error: 401/i, 0.88],
    [/Authentication failed for '?https?:/i, 0.88],
    [/could not read (Username|Password) for/i, 0.9],
    [/Unhandled HTTP error 401|HTTP Basic: Access denied|Invalid username or (password|token)|Bad credentials/i, 0.9],
    [/(info\/refs|git-upload-pack|git-receive-pack|\.git)[\s\S]*\b401\b/i, 0.85],
  ],
  weigh,
  shows: (facts) =>
    facts['git_secret_token_expired'] === true || facts['git_secret_password_empty'] === true
      ? 'the token has expired, or the password is empty'
      : undefined,
  examples: [
    { symptom: "unable to clone 'https://github.com/a/b': authentication required", found: true },
    { symptom: 'authentication required: Repository not found.', found: false },
  ],
};

function weigh(confidence: number, { symptom, facts }: Report) {
  if (registryRead.test(symptom)) return because(0.2);
  if (/repository not found|password authentication was removed/i.test(symptom)) return because(0.5);
  if (facts['git_secret_token_expired'] === true) return because(0.95, 'the token has expired');
  if (facts['git_secret_password_empty'] === true) return because(0.95, 'the password is empty');
  return because(confidence);
}

/** A registry says the same of images. */
const registryRead = /\/v2\/\S+\/(manifests|tags|blobs)\/|(reading|fetching) manifest|\.dkr[.-]ecr/i;
