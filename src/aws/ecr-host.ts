import { MillraceError } from '../base/error.ts';

/** What an ECR host name says; spec/image.md §3.7 and spec/provisioning.md §10 list the forms. */
export interface EcrHost {
  host: string;
  kind: 'private' | 'public';
  /** Twelve digits; '' for the public gallery. */
  account: string;
  /** Where API calls go. */
  region: string;
  fips: boolean;
  dualStack: boolean;
}

// Flux's expression, anchored and with twelve digits: unanchored it would send credentials to hosts that only contain a match.
const privateHost =
  /^([0-9]{12})\.dkr[.-]ecr(-fips)?\.([a-z0-9-]+)\.(amazonaws\.com|amazonaws\.com\.cn|amazonaws\.eu|sc2s\.sgov\.gov|c2s\.ic\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov|on\.aws)$/;
const publicHosts: ReadonlySet<string> = new Set(['public.ecr.aws', 'ecr-public.aws.com']);

/** The ECR registry that a host is, or undefined for a host of anybody else. */
export function parseEcrHost(host: string): EcrHost | undefined {
  if (publicHosts.has(host)) {
    return {
      host,
      kind: 'public',
      account: '',
      region: 'us-east-1',
      fips: false,
      dualStack: host !== 'public.ecr.aws',
    };
  }
  const match = privateHost.exec(host);
  if (match === null) return undefined;
  const [, account = '', fips, region = '', suffix] = match;
  return { host, kind: 'private', account, region, fips: fips !== undefined, dualStack: suffix === 'on.aws' };
}

/** Like parseEcrHost; throws ECR_HOST_INVALID for any other host. */
export function requireEcrHost(host: string): EcrHost {
  const parsed = parseEcrHost(host);
  if (parsed !== undefined) return parsed;
  throw new MillraceError('ECR_HOST_INVALID', `invalid AWS registry: '${host}'. must match ${privateHost.source}`, {
    retry: 'never',
    hint: 'An ECR image is named ACCOUNT.dkr.ecr.REGION.amazonaws.com/REPOSITORY; for another registry leave out provider: aws.',
  });
}
