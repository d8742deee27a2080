import type { Configuration } from '../configuration.ts';
import { type Block, block, commented, expression, type Value } from './hcl.ts';

/** The namespace, and the Secret with the git credential in it. */
export function gitFile(configuration: Configuration): Block[] {
  return [namespace(configuration), secret(configuration)];
}

/** Address of the namespace in Terraform, and its name as an expression. */
export function namespaceAddress({ cluster }: Configuration): string {
  return `${cluster.existingNamespace ? 'data.' : ''}kubernetes_namespace_v1.flux`;
}

export function namespaceName(configuration: Configuration) {
  return expression(`${namespaceAddress(configuration)}.metadata[0].name`);
}

function namespace({ cluster, engine }: Configuration): Block {
  const name = expression('var.flux_namespace');
  if (cluster.existingNamespace) {
    return block('data', ['kubernetes_namespace_v1', 'flux'], {}, [block('metadata', [], { name })]);
  }
  const annotations = { 'kustomize.toolkit.fluxcd.io/ssa': 'Ignore' };
  const ignore = [
    'metadata[0].labels',
    ...(engine === 'flux' ? ['metadata[0].annotations["fluxcd.controlplane.io/prune"]'] : []),
  ];
  return commented(
    `Destroyed last, since everything else is in it. ${engine === 'flux' ? 'The operator adds labels and an annotation of its own.' : 'Labels are left to others.'}`,
    block('resource', ['kubernetes_namespace_v1', 'flux'], {}, [
      block('metadata', [], { name, annotations }),
      block('lifecycle', [], { ignore_changes: ignore.map(expression) }),
    ]),
  );
}

function secret(configuration: Configuration): Block {
  const { git, terraform } = configuration;
  const data: Record<string, Value> =
    git.credential.kind === 'ssh'
      ? { identity: expression('var.git_ssh_identity'), known_hosts: expression('var.git_known_hosts') }
      : git.credential.kind === 'bearer'
        ? { bearerToken: expression('var.git_bearer_token') }
        : { username: expression('var.git_username'), password: expression('var.git_password') };
  const written = terraform.writeOnlySecrets
    ? { data_wo: data, data_wo_revision: expression('var.git_credential_revision') }
    : { data };
  const comment = terraform.writeOnlySecrets
    ? 'Written, never read back: the credential is in no plan and no state.'
    : 'The credential is in the state: keep the state encrypted and private.';
  return commented(
    comment,
    block('resource', ['kubernetes_secret_v1', 'git_auth'], { type: 'Opaque', ...written }, [
      block('metadata', [], { name: git.credential.secret, namespace: namespaceName(configuration) }),
    ]),
  );
}
