import { join } from 'node:path';
import { type Policy, parsePolicy } from '../../iam/policy-document.ts';
import { PersistentMap } from '../persistent-map.ts';
import managedPolicies from './managed-policies.json' with { type: 'json' };

export interface Tag {
  Key: string;
  Value: string;
}

export interface RoleRecord {
  name: string;
  id: string;
  arn: string;
  path: string;
  createdAt: number;
  trustPolicy: string;
  description?: string;
  /** Seconds. */
  maxSessionDuration: number;
  tags: Tag[];
  /** ARNs of attached managed policies. */
  attached: string[];
  /** Inline policies: name → document. */
  inline: Record<string, string>;
  /** ARN of the permissions boundary. */
  boundary?: string;
  /** When a session of the role was last used, milliseconds since the epoch. */
  lastUsedAt?: number;
}

export interface UserRecord {
  name: string;
  id: string;
  arn: string;
  path: string;
  createdAt: number;
  attached: string[];
  inline: Record<string, string>;
}

export interface PolicyRecord {
  name: string;
  id: string;
  arn: string;
  path: string;
  description?: string;
  createdAt: number;
  updatedAt: number;
  defaultVersion: string;
  versions: { id: string; document: string; createdAt: number }[];
  /** Number of the next version: numbers are not used twice. */
  nextVersion: number;
  tags: Tag[];
}

export interface OidcProviderRecord {
  arn: string;
  /** As given: `https://…`. */
  url: string;
  clientIds: string[];
  thumbprints: string[];
  createdAt: number;
  tags: Tag[];
}

/** Everything that IAM knows. The `…Arn` keyed maps hold an entity under its ARN, the others under its name. */
export class IamStore {
  readonly roles: PersistentMap<RoleRecord>;
  readonly users: PersistentMap<UserRecord>;
  readonly policies: PersistentMap<PolicyRecord>;
  readonly oidcProviders: PersistentMap<OidcProviderRecord>;
  readonly #partition: string;
  readonly #parsed = new Map<string, Policy>();

  constructor(dataDir: string, partition: string) {
    this.#partition = partition;
    this.roles = new PersistentMap(join(dataDir, 'roles.jsonl'));
    this.users = new PersistentMap(join(dataDir, 'users.jsonl'));
    this.policies = new PersistentMap(join(dataDir, 'policies.jsonl'));
    this.oidcProviders = new PersistentMap(join(dataDir, 'oidc-providers.jsonl'));
  }

  /** A customer-managed or AWS-managed policy. */
  policy(arn: string): PolicyRecord | undefined {
    return this.policies.get(arn) ?? awsManagedPolicy(arn, this.#partition);
  }

  /** The policies attached to or written into a role or user, read and ready to be evaluated. */
  policiesOf(entity: { attached: string[]; inline: Record<string, string> }): Policy[] {
    const attached = entity.attached.flatMap((arn) => {
      const policy = this.managedPolicy(arn);
      return policy === undefined ? [] : [policy];
    });
    const inline = Object.entries(entity.inline).map(([name, document]) => this.#parse(document, name));
    return [...attached, ...inline];
  }

  /** The default version of a managed policy, ready to be evaluated. */
  managedPolicy(arn: string): Policy | undefined {
    const record = this.policy(arn);
    const version = record?.versions.find(({ id }) => id === record.defaultVersion);
    return version === undefined ? undefined : this.#parse(version.document, arn);
  }

  close(): void {
    for (const map of [this.roles, this.users, this.policies, this.oidcProviders]) map.close();
  }

  #parse(document: string, name: string): Policy {
    const key = `${name}\n${document}`;
    let policy = this.#parsed.get(key);
    if (policy === undefined) {
      policy = parsePolicy(document, 'identity', name);
      if (this.#parsed.size > 1000) this.#parsed.clear();
      this.#parsed.set(key, policy);
    }
    return policy;
  }
}

/** The few AWS-managed policies that this chain meets, as AWS publishes them. */
function awsManagedPolicy(arn: string, partition: string): PolicyRecord | undefined {
  const [, path = '/', name = ''] = /^arn:[^:]+:iam::aws:policy(\/(?:.*\/)?)([^/]+)$/.exec(arn) ?? [];
  const found = managedPolicies.find((policy) => policy.name === name && policy.path === path);
  if (found === undefined || arn !== `arn:${partition}:iam::aws:policy${path}${name}`) return undefined;
  const createdAt = Date.parse(found.created);
  return {
    name,
    arn,
    path,
    id: found.id,
    createdAt,
    updatedAt: createdAt,
    defaultVersion: found.version,
    versions: [{ id: found.version, document: JSON.stringify(found.document), createdAt }],
    nextVersion: 0,
    tags: [],
  };
}
