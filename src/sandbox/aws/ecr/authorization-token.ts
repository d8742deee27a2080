import { registryHost } from '../account.ts';
import type { Identity, SessionIdentity } from '../identity.ts';
import type { JsonOperation } from '../service.ts';
import { type EcrContext, epochSeconds } from './ecr-context.ts';

/** What the password of a registry login says about its owner. */
export type RegistryLogin = { expiresAt: number } & (
  | { kind: 'user'; userName: string }
  | { kind: 'session'; claims: SessionIdentity['claims'] }
);

const lifetimeMs = 12 * 3_600_000;

/** Seals who is calling into a password that the registry opens again on every request. */
export function mintRegistryPassword(
  identity: Identity,
  { keys, clock }: EcrContext,
): { password: string; expiresAt: number } {
  const expiresAt = clock.now() + lifetimeMs;
  const owner = identity.kind === 'user' ? { userName: identity.user.name } : { claims: identity.claims };
  return { password: keys.seal('registry', { kind: identity.kind, expiresAt, ...owner }), expiresAt };
}

/** GetAuthorizationToken: a registry login good for 12 hours, even when the credentials it was made with end earlier. */
export function getAuthorizationToken(context: EcrContext): JsonOperation {
  return (_input, call) => {
    call.require('ecr:GetAuthorizationToken', '*');
    const { password, expiresAt } = mintRegistryPassword(call.identity, context);
    return {
      authorizationData: [
        {
          authorizationToken: Buffer.from(`AWS:${password}`).toString('base64'),
          expiresAt: epochSeconds(expiresAt),
          proxyEndpoint: `https://${registryHost(context.account)}`,
        },
      ],
    };
  };
}
