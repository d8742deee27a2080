import type { Rule } from '../rule.ts';
import { cannotReach } from '../signs.ts';

export const podIdentityAgentUnavailable: Rule = {
  code: 'pod-identity-agent-unavailable',
  cause: 'The Pod Identity agent on the node does not answer, or cannot reach EKS Auth.',
  fix: 'Install the eks-pod-identity-agent add-on (not on Fargate or Windows), and exempt 169.254.170.23 from proxies.',
  commands: ['kubectl -n kube-system get daemonset eks-pod-identity-agent'],
  says: [
    // Millrace's own words, unless the agent has answered.
    [/EKS Pod Identity credentials from \S+(?![\s\S]*(AccessDenied|permissions to assume|association))/i, 0.9],
    [/169\.254\.170\.23\S* (is not a valid|, only loopback)|"169\.254\.170\.23", only loopback hosts/i, 0.9],
    [/\[?fd00:ec2::23\]?[\s\S]*(cannot assign|unreachable|refused|timeout)/i, 0.95],
    [
      /eks-pod-identity-agent[\s\S]*(CrashLoopBackOff|unable to|fail|not ready|unavailable)|CrashLoopBackOff[\s\S]*eks-pod-identity-agent/i,
      0.9,
    ],
    [/(bind|listen)[\s\S]*169\.254\.170\.23/i, 0.9],
    [/169\.254\.170\.23[\s\S]*(bind|in use)/i, 0.9],
    [cannotReach(String.raw`169\.254\.170\.23`), 0.96],
    [cannotReach(String.raw`\[fd00:ec2::23\]`), 0.96],
    [cannotReach(String.raw`eks-auth\.[\w-]+\.(amazonaws\.com|api\.aws)`), 0.93],
    [/169\.254\.170\.23[\s\S]*(40[34]|50\d|unable|failed)/i, 0.7],
  ],
  shows: (facts) =>
    facts['identity_design'] === 'pod-identity' && facts['pod_identity_addon'] === false
      ? 'the add-on eks-pod-identity-agent is not installed'
      : undefined,
  examples: [
    {
      symptom: 'Get "http://169.254.170.23/v1/credentials": dial tcp 169.254.170.23:80: connect: connection refused',
      found: true,
    },
  ],
};
