import { isRecord } from '../../base/json.ts';
import type { Facts } from './rule.ts';

/** The text of a fact, or undefined where it is absent, null or of another type. */
export function text(facts: Facts, key: string): string | undefined {
  const value = facts[key];
  return typeof value === 'string' ? value : undefined;
}

export function number(facts: Facts, key: string): number | undefined {
  const value = facts[key];
  return typeof value === 'number' ? value : undefined;
}

/** The strings of a fact that may be one string or a list. */
export function texts(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
}

/** An object-valued fact. */
export function record(facts: Facts, key: string): Readonly<Record<string, unknown>> | undefined {
  const value = facts[key];
  return isRecord(value) ? value : undefined;
}

/** True where the fact was looked at and is not set. */
export function isUnset(facts: Facts, key: string): boolean {
  return key in facts && (facts[key] === null || facts[key] === '' || facts[key] === false);
}

/** How the installation is meant to get its AWS identity. */
export function identityDesign(facts: Facts): string | undefined {
  return text(facts, 'identity_design');
}

const roleArn = /^arn:aws[\w-]*:iam::\d{12}:role\/[\w\-/.@+=,]+$/;

/** The annotation where it holds a role ARN of the right form (spec/provisioning.md §6). */
export function annotatedRole(facts: Facts): string | undefined {
  const value = text(facts, 'sa_role_arn_annotation');
  return value !== undefined && roleArn.test(value) ? value : undefined;
}
