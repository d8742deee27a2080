import { isUnset, number, text } from '../facts.ts';
import type { Rule } from '../rule.ts';

export const tokenFileUnreadable: Rule = {
  code: 'token-file-unreadable',
  cause: "The projected web identity token is missing, or the container's user may not read it.",
  fix: 'Let the webhook mount the token instead of writing the variables by hand; for a user other than root set fsGroup in the pod.',
  commands: ['kubectl -n $SA_NS get pod -l app=$SA -o jsonpath="{.items[*].spec.volumes[*].name}"'],
  says: [
    [/volume "(aws-iam-token|eks-pod-identity-token)"/i, 0.85],
    [
      /(permission denied|no such file|AccessDenied)[\s\S]{0,40}secrets\/(eks|pods\.eks)\.amazonaws\.com\/serviceaccount\//i,
      0.95,
    ],
    [/unable to read file at \/var\/run\/secrets\/(eks|pods\.eks)\.amazonaws\.com\S*/i, 0.96],
    [
      /secrets\/(eks|pods\.eks)\.amazonaws\.com\/serviceaccount\/[\w-]*token\S*[\s\S]{0,40}(permission denied|no such file)/i,
      0.96,
    ],
    [/AWS_WEB_IDENTITY_TOKEN_FILE[\s\S]{0,80}(no such file|permission denied|not found|ENOENT|EACCES)/i, 0.93],
    [/(ENOENT|EACCES)[\s\S]{0,80}secrets\/(eks|pods\.eks)\.amazonaws\.com/i, 0.95],
  ],
  shows: (facts) => {
    if (facts['token_volume_mounted'] === false && facts['pod_env_aws_role_arn'] === true)
      return 'AWS_ROLE_ARN is set, and no token is mounted';
    const mode = text(facts, 'token_file_mode');
    const isOfRoot = mode !== undefined && /^0?[46]00\b/.test(mode) && isUnset(facts, 'pod_fs_group');
    const isOther = (number(facts, 'container_uid') ?? 0) > 0;
    return isOfRoot && isOther ? `the token is ${mode}, the container's user is ${facts['container_uid']}` : undefined;
  },
  examples: [
    {
      symptom: 'open /var/run/secrets/eks.amazonaws.com/serviceaccount/token: permission denied',
      found: true,
    },
    { symptom: 'open /var/run/secrets/kubernetes.io/serviceaccount/ca.crt: no such file', found: false },
  ],
};
