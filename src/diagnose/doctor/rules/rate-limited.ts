import type { Rule } from '../rule.ts';
import { httpStatus } from '../signs.ts';

export const rateLimited: Rule = {
  code: 'rate-limited',
  cause: 'A registry or an AWS API throttles the calls.',
  fix: 'Scan less often or wake scans by push events (`--ecr-events-queue`); log in to registries that limit anonymous reads.',
  commands: ['kubectl get imagerepositories -A -o custom-columns=NAME:.metadata.name,INTERVAL:.spec.interval'],
  says: [
    [/pull QPS exceeded|retry quota exceeded|failed to get rate limit token/i, 0.92],
    [/too ?many ?requests/i, 0.94],
    [new RegExp(httpStatus(429), 'i'), 0.94],
    [/\bThrottling(Exception)?\b|Rate exceeded|RequestLimitExceeded|SlowDown/i, 0.94],
    [/\b(rate limit|pull rate|API rate)\b[^.]*\b(exceeded|reached|hit)/i, 0.93],
    [/secondary rate limit/i, 0.93],
  ],
  examples: [
    { symptom: 'unexpected status code 429 Too Many Requests', found: true },
    { symptom: 'ThrottlingException: Rate exceeded', found: true },
  ],
};
