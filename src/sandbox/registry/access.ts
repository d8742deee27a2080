import type { RepositoryRecord } from './repository-store.ts';

/**
 * Who may do what, as the registry needs it. `authenticate` takes the Authorization header and throws a RegistryFault (401 or 403)
 * when it is not good; the caller it returns throws DENIED for what it may not do.
 */
export interface RegistryAccess {
  authenticate(authorization: string | undefined): RegistryCaller;
}

export interface RegistryCaller {
  /** `action` is an ECR action such as `ecr:ListImages`; the repository may not exist. */
  require(action: string, repository: string, record: RepositoryRecord | undefined): void;
}

/** Access for one fixed user name and password, or for everybody: the registry on its own, without AWS. */
export function fixedAccess(
  isAccepted: (authorization: string | undefined) => boolean,
  refuse: () => Error,
): RegistryAccess {
  return {
    authenticate(authorization) {
      if (!isAccepted(authorization)) throw refuse();
      return { require() {} };
    },
  };
}
