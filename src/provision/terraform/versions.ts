import type { Configuration } from '../configuration.ts';
import { type Block, block, commented, expression } from './hcl.ts';

/** Terraform, the providers with upper bounds, and how they log in to the cluster: by exec, never by a kubeconfig file. */
export function versionsFile({ terraform }: Configuration): Block[] {
  const provider = (name: string, version: string) => ({ source: `hashicorp/${name}`, version });
  return [
    block('terraform', [], { required_version: terraform.writeOnlySecrets ? '>= 1.11.0' : '>= 1.5.7' }, [
      block('required_providers', [], {
        aws: provider('aws', '>= 6.0.0, < 7.0.0'),
        helm: provider('helm', '>= 3.0.0, < 4.0.0'),
        kubernetes: provider('kubernetes', '>= 2.38.0, < 4.0.0'),
      }),
    ]),
    block('provider', ['aws'], { region: expression('var.aws_region') }),
    commented('The cluster must exist; Terraform logs in to it with the same AWS identity.', cluster),
    block('provider', ['kubernetes'], { host, cluster_ca_certificate: authority }, [block('exec', [], login)]),
    block('provider', ['helm'], { kubernetes: { host, cluster_ca_certificate: authority, exec: login } }),
  ];
}

const cluster = block('data', ['aws_eks_cluster', 'this'], { name: expression('var.eks_cluster_name') });
const host = expression('data.aws_eks_cluster.this.endpoint');
const authority = expression('base64decode(data.aws_eks_cluster.this.certificate_authority[0].data)');
const login = {
  api_version: 'client.authentication.k8s.io/v1beta1',
  command: 'aws',
  args: [
    'eks',
    'get-token',
    '--cluster-name',
    expression('var.eks_cluster_name'),
    '--region',
    expression('local.region'),
  ],
};
