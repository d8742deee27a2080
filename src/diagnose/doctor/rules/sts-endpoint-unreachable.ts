import type { Rule } from '../rule.ts';
import { cannotReach } from '../signs.ts';

export const stsEndpointUnreachable: Rule = {
  code: 'sts-endpoint-unreachable',
  cause: 'STS cannot be reached or resolved from the pod.',
  fix: 'Allow TCP 443 from the pods to the regional STS endpoint; with VPC endpoints enable private DNS and use the regional host.',
  commands: [
    'kubectl -n $SA_NS run sts-check --rm -it --image=curlimages/curl -- curl -sv https://sts.$REGION.amazonaws.com',
  ],
  says: [
    [/\bSTS: AssumeRole\w*,[\s\S]*(context deadline exceeded|i\/o timeout)/i, 0.85],
    [cannotReach(String.raw`https://(?!sts\.\.)sts[\w.-]*\.amazonaws\.com(\.cn)?`), 0.95],
    [cannotReach(String.raw`\bSTS AssumeRoleWithWebIdentity of`), 0.94],
    [cannotReach(String.raw`\bsts(\.[a-z]{2,4}(-[a-z]+)+-\d)?\.amazonaws\.com(?!/doc)`), 0.94],
    [cannotReach(String.raw`\blookup (?!sts\.\.)sts[\w.-]*\.amazonaws\.com`), 0.95],
  ],
  examples: [
    { symptom: 'Post "https://sts.eu-west-1.amazonaws.com/": dial tcp 1.2.3.4:443: i/o timeout', found: true },
    { symptom: 'Post "https://api.ecr.eu-west-1.amazonaws.com/": dial tcp: i/o timeout', found: false },
  ],
};
