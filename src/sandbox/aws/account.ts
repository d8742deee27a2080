import { randomInt } from 'node:crypto';

/** The one account and region that the sandbox is. */
export interface AwsAccount {
  partition: string;
  /** Twelve digits. */
  id: string;
  region: string;
}

/** Host name that images of the account's registry carry, as real ECR names it. */
export function registryHost({ id, region, partition }: AwsAccount): string {
  return `${id}.dkr.ecr.${region}.${partition === 'aws-cn' ? 'amazonaws.com.cn' : 'amazonaws.com'}`;
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** A new identifier as IAM makes them: `AROA…` roles, `ANPA…` policies, `AIDA…` users, `AKIA…` and `ASIA…` keys. */
export function newId(prefix: 'AROA' | 'ANPA' | 'AIDA' | 'AKIA' | 'ASIA'): string {
  const length = prefix === 'AKIA' || prefix === 'ASIA' ? 16 : 17;
  return prefix + Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join('');
}
