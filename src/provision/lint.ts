import { satisfies, valid } from 'semver';
import { MillraceError } from '../base/error.ts';
import { isRecord, valueAt } from '../base/json.ts';
import { parseArn } from '../iam/arn.ts';
import type { Configuration } from './configuration.ts';
import { arnOf, parseEcrReference, type TreeImages } from './ecr-references.ts';
import { faultsOfInstanceValues } from './flux-instance-values.ts';
import { gitUsername } from './git-credential.ts';

/** Throws CONFIGURATION_INVALID with every reason for which a sound-looking configuration would not work. */
export function requireSound(configuration: Configuration, tree?: TreeImages): void {
  const faults = [
    ...faultsOfNames(configuration),
    ...faultsOfIdentity(configuration, tree),
    ...faultsOfRepositories(configuration, tree),
    ...faultsOfGit(configuration, tree),
    ...(configuration.engine === 'flux' ? faultsOfFlux(configuration, tree) : []),
  ];
  if (faults.length === 0) return;
  throw new MillraceError('CONFIGURATION_INVALID', faults.join('; '), {
    retry: 'never',
    hint: 'Each fault names the field of millrace.yaml, or the object of the tree, that has to change.',
  });
}

function faultsOfNames({ name, terraform }: Configuration): string[] {
  if (terraform.role === 'module' && terraform.useNamePrefix && name.length > 19) {
    return [
      `name: ${name.length} characters are too many with a random suffix: AWS takes 38 for the prefix of a role name, 19 remain`,
    ];
  }
  return name.length > 40
    ? [`name: ${name.length} characters, and 40 leave room for the ends of the role names (64)`]
    : [];
}

function faultsOfIdentity({ identity, engine, ecr, millrace }: Configuration, tree?: TreeImages): string[] {
  const isOneAccount = engine === 'millrace' && millrace.topology === 'single';
  const pulls = ecr.pull.length + ecr.pullThrough.length + (tree?.pulled.length ?? 0) > 0;
  return identity === 'pod-identity' && isOneAccount && pulls
    ? [
        'identity: pod-identity gives the one ServiceAccount of the one process one role, and artifacts in ECR ask for a second; choose irsa, or millrace.topology: split',
      ]
    : [];
}

function faultsOfRepositories(configuration: Configuration, tree?: TreeImages): string[] {
  const { ecr, images } = configuration;
  const scanned = [...images.map(({ image }) => image), ...(tree?.scanned ?? [])];
  const faults: string[] = [];
  if (ecr.repositories.length === 0 && scanned.length === 0) {
    faults.push('ecr.repositories: name the repositories that are scanned, or give a GitOps tree with --from');
  }
  const bare = [...ecr.repositories, ...ecr.pull].filter(
    (text) => /^\*+$/.test(text) || /:repository\/\*+$/.test(text),
  );
  if (bare.length > 0 && !ecr.allowAll)
    faults.push('ecr.repositories: a bare * is every repository; ecr.allowAll: true says that this is meant');
  for (const text of [...ecr.repositories, ...ecr.pull]) {
    if (/[<>]/.test(text))
      faults.push(
        `ecr.repositories: '${text}' holds a placeholder; angle brackets are never part of a repository's name`,
      );
    else if (/^arn:/.test(text) && parseArn(text)?.service !== 'ecr')
      faults.push(`ecr.repositories: '${text}' is not the ARN of an ECR repository`);
  }
  for (const text of [...ecr.repositories, ...ecr.pull, ...ecr.pullThrough, ...scanned, ...(tree?.pulled ?? [])]) {
    const { repository } = parseEcrReference(text, configuration);
    if (!/[<>]/.test(text) && !/^[a-z0-9*?._/-]+$/.test(repository))
      faults.push(
        `ecr: '${repository}' is no repository of ECR: small letters, digits, . _ - / and, in patterns, * and ?`,
      );
  }
  for (const pattern of ecr.repositories.filter((text) => /[*?]/.test(text))) {
    if (scanned.length > 0 && !scanned.some((image) => covers(pattern, image, configuration))) {
      faults.push(`ecr.repositories: '${pattern}' covers none of the images that are used: ${scanned.join(', ')}`);
    }
  }
  for (const name of ecr.create.filter((text) => !/^[a-z0-9]+(?:[._/-][a-z0-9]+)*$/.test(text)))
    faults.push(
      `ecr.create: '${name}' is no name of a repository: small letters, digits and . _ - / between them, no pattern`,
    );
  const isForeign = (text: string) => parseEcrReference(text, configuration).region !== undefined;
  if (configuration.events && [...ecr.repositories, ...scanned].every(isForeign)) {
    faults.push(
      'events: every repository is in another account or region, and ECR sends its events there; name one of the own registry, or leave events out',
    );
  }
  return faults;
}

/** Whether a repository pattern is about an image; `*` stands for slashes too. */
function covers(pattern: string, image: string, configuration: Configuration): boolean {
  const [wanted, actual] = [pattern, image].map((text) => arnOf(parseEcrReference(text, configuration), configuration));
  const source = (wanted ?? '')
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`).test(actual ?? '');
}

function faultsOfGit(configuration: Configuration, tree?: TreeImages): string[] {
  const { git, images } = configuration;
  const faults: string[] = [];
  const ssh = git.url.startsWith('ssh:');
  if (ssh !== (git.credential.kind === 'ssh')) {
    faults.push(
      `git.credential.kind: ${git.credential.kind} does not go with ${git.url}; write ${ssh ? 'ssh' : 'basic or bearer'}`,
    );
  }
  if (
    git.credential.kind === 'basic' &&
    /^https?:\/\/bitbucket\.org\//.test(git.url) &&
    gitUsername(configuration).includes('@')
  ) {
    faults.push(
      'git.credential.username: Bitbucket Cloud takes no e-mail address; write x-bitbucket-api-token-auth for an API token, x-token-auth for an access token',
    );
  }
  const automates = images.length > 0 || tree?.hasAutomation === true;
  if (automates && git.credential.access === 'read') {
    faults.push('git.credential.access: image updates are committed, so the credential needs write access');
  }
  for (const name of tree?.withoutProvider ?? []) {
    faults.push(
      `ImageRepository ${name}: is on an ECR host without provider: aws, and would be scanned without a login`,
    );
  }
  return faults;
}

/** From this version on the operator keeps to the minor versions of Flux that it carries. */
const limitedSince = '0.54.0';

function faultsOfFlux({ flux, identity, images, terraform }: Configuration, tree?: TreeImages): string[] {
  const faults = faultsOfInstanceValues(flux.values).map((fault) => `flux.values.${fault}`);
  if (terraform.install === 'bootstrap') {
    for (const key of Object.keys(flux.values).filter((name) => name !== 'instance'))
      faults.push(
        `flux.values.${key}: is a value of the chart, and terraform.install: bootstrap writes the instance alone`,
      );
  }
  const usesImages = images.length > 0 || (tree?.scanned.length ?? 0) > 0;
  const missing = ['image-reflector-controller', 'image-automation-controller'].filter(
    (name) => !flux.components.includes(name),
  );
  if (usesImages && missing.length > 0)
    faults.push(`flux.components: missing components ${missing.join(', ')}, which the image objects need`);
  const ranged = valid(flux.version) === null;
  if (ranged && flux.artifact !== '' && !satisfies(flux.operatorVersion, `>=${limitedSince}`)) {
    faults.push(
      `flux.version: operator ${flux.operatorVersion} takes minor versions from the artifact that it does not carry, and then fails to build them; write an exact version, artifact: '' or an operator from ${limitedSince} on`,
    );
  }
  const official =
    /^(ghcr\.io|docker\.io)\/fluxcd\/?$/.test(flux.registry) ||
    flux.registry.startsWith('ghcr.io/controlplaneio-fluxcd/');
  if (!official && flux.variant === undefined)
    faults.push(`flux.variant: ${flux.registry} is not Flux's own registry, so say which variant of the images it has`);
  if (identity === 'pod-identity' && annotatesRole(flux.values)) {
    faults.push(
      'flux.values.instance.kustomize.patches: a role-arn annotation beside a Pod Identity association: the association wins, so leave the annotation out',
    );
  }
  return faults;
}

function annotatesRole(values: Record<string, unknown>): boolean {
  const patches = valueAt(values, 'instance', 'kustomize', 'patches');
  return (
    Array.isArray(patches) &&
    patches.some((each) => isRecord(each) && String(each['patch']).includes('eks.amazonaws.com'))
  );
}
