import { sha256Hex } from '../base/digest.ts';
import type { ObjectKey } from '../base/kube-object.ts';

const maxLength = 64;

/**
 * The RoleSessionName of a ServiceAccount's session, which CloudTrail shows: `<sa>.<namespace>.<region>.fluxcd.io`
 * (spec/image.md §3.8). STS takes 64 characters of `[\w+=,.@-]`; longer names keep their beginning and end in a hash.
 */
export function sessionName({ namespace, name }: ObjectKey, region: string): string {
  return fitSessionName(`${name}.${namespace}.${region}.fluxcd.io`);
}

/** Makes any text a legal session name; the same text always gives the same name. */
export function fitSessionName(text: string): string {
  const legal = text.replace(/[^\w+=,.@-]/g, '-').padEnd(2, '-');
  if (legal.length <= maxLength) return legal;
  return `${legal.slice(0, maxLength - 17)}.${sha256Hex(text).slice(0, 16)}`;
}
