import { denialMessage } from '../../../iam/decide.ts';
import type { RegistryAccess } from '../../registry/access.ts';
import { denied, notAuthorized, RegistryFault } from '../../registry/fault.ts';
import { judge } from '../authorize.ts';
import { sessionIdentity, userIdentity } from '../identity.ts';
import type { RegistryLogin } from './authorization-token.ts';
import { type EcrContext, repositoryArnOf } from './ecr-context.ts';

/**
 * Judges requests to the registry by the identity behind their login. Policies are those of this very moment: a permission
 * that is taken away bites at once, though the login lives on.
 */
export function ecrRegistryAccess(context: EcrContext): RegistryAccess {
  const { account, clock, iam, keys, rateLimits } = context;
  return {
    authenticate(authorization) {
      const password = basicPassword(authorization);
      const login = password === undefined ? undefined : keys.open<RegistryLogin>('registry', password);
      if (login === undefined) throw notAuthorized();
      if (login.expiresAt <= clock.now()) {
        throw denied('Your authorization token has expired. Reauthenticate and try again.');
      }
      const identity =
        login.kind === 'user'
          ? userIdentity(iam, login.userName, account.id)
          : sessionIdentity(iam, login.claims, account.id);
      if (identity === undefined) throw notAuthorized();
      return {
        require(action, repository, record) {
          if (!rateLimits.take(action)) throw new RegistryFault(429, 'TOOMANYREQUESTS', 'Rate exceeded');
          const arn = repositoryArnOf(context, repository);
          const { request, decision } = judge(identity, action, arn, { resourcePolicy: record?.policy }, context);
          if (!decision.allowed) throw denied(denialMessage(request, decision));
        },
      };
    },
  };
}

/** The password of Basic authentication as user AWS. */
function basicPassword(authorization: string | undefined): string | undefined {
  const [, encoded] = /^Basic +([A-Za-z0-9+/=]+)$/i.exec(authorization ?? '') ?? [];
  const login = Buffer.from(encoded ?? '', 'base64').toString();
  return login.startsWith('AWS:') ? login.slice('AWS:'.length) : undefined;
}
