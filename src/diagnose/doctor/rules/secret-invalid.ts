import { isUnset, text, texts } from '../facts.ts';
import { because, type Report, type Rule } from '../rule.ts';

export const secretInvalid: Rule = {
  code: 'secret-invalid',
  cause: 'The referenced Secret is missing, lacks keys, or holds credentials of another kind.',
  fix: 'Create the Secret in the namespace of the object with the keys that this kind of credential needs.',
  commands: ['kubectl -n $NS describe secret $SECRET'],
  says: [
    [/auth option: '\w+' requires '\w+'|private key is passphrase protected/i, 0.93],
    [/auth option: '(?!known_hosts)[^']+'( and '[^']+')? is required/i, 0.95],
    [/\bsecret\b[\s\S]{0,60}\bexpected \S+ type/i, 0.93],
    [/no auth data found in( the)? secret/i, 0.93],
    [/couldn't find key \S+ in Secret/i, 0.94],
    [/Unable to retrieve some image pull secrets/i, 0.9],
    [/auth option: '(?!known_hosts)\w+' is required/i, 0.95],
    [/\b[Ss]ecrets? [\\"']*[\w./-]+[\\"']* not found/i, 0.94],
    [/not found in secret/i, 0.95],
    [/failed to get (auth )?secret/i, 0.93],
    [/has github app data but provider is not set to github/i, 0.95],
    [/secretRef with github app data must be specified/i, 0.95],
    [/SSH identity key is encrypted but no 'password'/i, 0.95],
    [/basic auth and bearer token cannot be set at the same time/i, 0.95],
    [/signing key secret '[^']*' does not contain|could not find signing key secret/i, 0.95],
    [/ssh: no key found|failed to parse private key|cannot decode encrypted private key/i, 0.93],
    [/(invalid|malformed|missing)[^.]{0,60}\bdockerconfigjson\b/i, 0.9],
    [/\bsecret\b[^.]{0,80}\b(does not (contain|have)|is missing|lacks)\b/i, 0.88],
    [/public keys secret error|\bsecret missing key\b/i, 0.9],
    [/\b401\b|unauthorized|authentication required|denied|no basic auth/i, 0],
    [/\bsecret\b[^.]{0,80}\b(invalid (data|type)|required fields?|is required)\b|invalid secret (data|type)/i, 0.9],
    [/illegal base64 data[^.]*secret|secret[^.]*illegal base64|\bSecret "[^"]+" is invalid\b/i, 0.9],
    [/failed to find any PEM data|invalid TLS client certificate|tls: private key does not match/i, 0.88],
  ],
  weigh,
  shows: (facts) => {
    const format = text(facts, 'ssh_key_format') ?? '';
    if (/putty|ppk|ssh2|public|encrypted/i.test(format)) return `the key is in the form ${format}`;
    const keys = texts(facts['git_secret_keys']);
    const isSsh = /^ssh:/.test(text(facts, 'git_url') ?? '');
    if (keys.length === 0 || !isSsh || keys.includes('identity')) return undefined;
    return `the URL is of SSH, the Secret has ${keys.join(', ')}`;
  },
  examples: [
    { symptom: "invalid 'ssh' auth option: 'identity' is required", found: true },
    { symptom: 'secrets "flux-system" not found', found: true },
    { symptom: "invalid 'ssh' auth option: 'known_hosts' is required", found: false },
  ],
};

/** A registry other than ECR that wants a login, and a Secret that holds none for it. */
function weigh(confidence: number, { facts }: Report) {
  const host = text(facts, 'image')?.split('/')[0];
  if (confidence > 0 || host === undefined || /\.dkr[.-]ecr/.test(host)) return because(confidence);
  if (isUnset(facts, 'registry_secret')) return because(0.92, `${host} is read without a Secret`);
  const hosts = texts(facts['registry_secret_hosts']);
  const isCovered = hosts.some((one) => one.replace(/^https?:\/\//, '').startsWith(host));
  return because(
    hosts.length === 0 || isCovered ? 0 : 0.93,
    `the Secret is for ${hosts.join(', ')}, the image at ${host}`,
  );
}
