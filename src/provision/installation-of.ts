import { dnsSuffix } from '../aws/signer.ts';
import { MillraceError } from '../base/error.ts';
import type { EcrScope } from '../iam/ecr-policy.ts';
import { eventsQueueArn } from './aws-model.ts';
import type { Configuration } from './configuration.ts';
import { deliveryObjects } from './delivery-objects.ts';
import { covering, type EcrReference, parseEcrReference, partitionOf, type TreeImages } from './ecr-references.ts';
import { fluxInstanceSpec } from './flux-instance-spec.ts';
import { gitUsername, knownHostsOf } from './git-credential.ts';
import type { Installation } from './installation.ts';

export interface Discovered {
  /** Account of the credentials, for configurations that do not name one. */
  account?: string;
  /** The cluster's own issuer. */
  issuer?: string;
  /** The git credential: token or private key; empty where only AWS matters. */
  credential?: string;
  /** SHA-1 thumbprint of the issuer's authority, where IAM does not know it. */
  issuerThumbprint?: string;
  tree?: TreeImages;
}

/** The installation that a configuration describes. Throws CONFIGURATION_INVALID where account or issuer are known from nowhere. */
export function installationOf(configuration: Configuration, discovered: Discovered = {}): Installation {
  const { aws, cluster, ecr, git, images, name } = configuration;
  const account = aws.account ?? discovered.account;
  const issuer = cluster.issuer ?? issuerOfProvider(cluster.oidcProvider) ?? discovered.issuer;
  if (account === undefined) throw unknown('aws.account: which account is it?');
  if (issuer === undefined) throw unknown('cluster.issuer: which issuer does the cluster have?');
  const home = { aws: { ...aws, account } };
  const place = { partition: partitionOf(aws.region), account, region: aws.region };
  const written = [...ecr.repositories, ...images.map(({ image }) => image), ...(discovered.tree?.scanned ?? [])];
  const references = written.map((text) => parseEcrReference(text, home));
  return {
    namePrefix: name,
    aws: place,
    issuer,
    namespace: cluster.namespace,
    identity: configuration.identity,
    clusterName: cluster.name,
    topology: configuration.millrace.topology,
    ...pullOf(configuration, discovered.tree?.pulled ?? [], home),
    ...(configuration.events && { createEvents: true, eventsQueueArn: eventsQueueArn(name, place) }),
    ...(configuration.engine === 'flux' && { fluxInstance: fluxInstanceSpec(configuration) }),
    delivery: deliveryObjects(configuration, {
      namespace: cluster.namespace,
      gitPath: git.path,
      imageName: (image) => wholeName(parseEcrReference(image, home), image, place),
    }),
    repositories: covering(references.filter(isOwn), home),
    foreign: foreignScopes(references),
    createRepositories: ecr.create,
    ecrProfile: ecr.profile,
    git: {
      url: git.url,
      branch: git.ref.replace(/^refs\/heads\//, ''),
      ...(git.ref.startsWith('refs/heads/') ? {} : { ref: git.ref }),
      path: git.path,
      interval: git.interval,
      secretName: git.credential.secret,
      username: gitUsername(configuration),
      password: discovered.credential ?? '',
      ...secretData(configuration, discovered.credential ?? ''),
    },
  };
}

function pullOf(
  { ecr }: Configuration,
  found: readonly string[],
  home: Pick<Configuration, 'aws'>,
): Pick<Installation, 'pull'> {
  const references = [...ecr.pull, ...found].map((text) => parseEcrReference(text, home));
  if (references.length + ecr.pullThrough.length === 0) return {};
  const repositories = covering(references.filter(isOwn), home);
  return { pull: { repositories, foreign: foreignScopes(references), throughCache: ecr.pullThrough } };
}

/** An image name with its host: of the own registry where the configuration names a repository alone. */
function wholeName({ region, repository }: EcrReference, written: string, place: Installation['aws']): string {
  if (region !== undefined) return written;
  return `${place.account}.dkr.ecr.${place.region}.${dnsSuffix(place.region)}/${repository}`;
}

function secretData({ git }: Configuration, credential: string): Pick<Installation['git'], 'secretData'> {
  if (git.credential.kind === 'bearer') return { secretData: { bearerToken: credential } };
  if (git.credential.kind === 'basic') return {};
  return { secretData: { identity: credential, known_hosts: knownHostsOf(git.url) ?? '' } };
}

const isOwn = ({ region }: EcrReference) => region === undefined;

function foreignScopes(references: readonly EcrReference[]): EcrScope[] {
  return references.flatMap(({ account, region, repository }) =>
    account === undefined || region === undefined
      ? []
      : [{ partition: partitionOf(region), region, account, repositories: [repository] }],
  );
}

function issuerOfProvider(arn: string | undefined): string | undefined {
  return arn === undefined
    ? undefined
    : `https://${arn.slice(arn.indexOf('oidc-provider/') + 'oidc-provider/'.length)}`;
}

function unknown(what: string): MillraceError {
  return new MillraceError('CONFIGURATION_INVALID', what, {
    retry: 'never',
    hint: 'Write it into millrace.yaml, or give it as an option.',
  });
}
