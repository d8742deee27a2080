import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEcrHost } from '../../aws/ecr-host.ts';
import { textAt, valueAt } from '../../base/json.ts';
import type { KubeObject } from '../../base/kube-object.ts';
import { createLogger } from '../../base/logger.ts';
import { createGit } from '../../git/program.ts';
import { createKubeClient } from '../../kube/api-client.ts';
import { loadKubeConfig } from '../../kube/kubeconfig.ts';
import { partitionOf } from '../../provision/ecr-references.ts';
import type { Installation } from '../../provision/installation.ts';
import type { AwsAccount } from '../../sandbox/aws/account.ts';
import { startSandbox } from '../../sandbox/sandbox.ts';
import type { CliContext } from '../context.ts';
import { runControllers } from '../up/run-controllers.ts';
import { pushFolder } from '../up/seed.ts';
import { prepareCluster, secretMaker, startSync } from './cluster.ts';
import { type ForeignKind, foreignKinds, ownDefinitions } from './definitions.ts';
import { type Delivery, followImages } from './follow.ts';
import { type GivenDocument, makeIdentity, planRole, type RehearsedRole } from './identity.ts';
import { formatImage, imageName, parseTaggedImage, resolveImage, type TaggedImage } from './image-names.ts';
import { ofKind, readManifests, type TreeManifests } from './manifests.ts';
import { openRegistries } from './registries.ts';
import { settle } from './settle.ts';
import { withPlaceholders } from './sops.ts';
import { type Note, startStandIns } from './stand-ins.ts';
import { findSync, rehearsedUrl, repositoryKey, type Sync } from './sync.ts';
import { impossible, type Tree, takeTree } from './tree.ts';

export interface RehearsalOptions {
  repo: string;
  ref: string | undefined;
  path: string | undefined;
  images: readonly string[];
  /** Tags that the registry has already: `image:tag`. */
  existing: readonly string[];
  trust: GivenDocument | undefined;
  policies: readonly GivenDocument[];
  issuer: string | undefined;
  /** Objects that the cluster has from elsewhere. */
  given: readonly KubeObject[];
  /** Text of an age key file. */
  sopsAgeKey: string | undefined;
  /** How long the start and each delivery may take, in milliseconds. */
  timeoutMs: number;
}

/** What a rehearsal found. */
export interface Rehearsal extends Delivery {
  tree: string;
  path: string;
  branch: string;
  notes: Note[];
}

/** What is to be set up, decided from the tree and the options alone. */
interface Plan {
  tree: Tree;
  read: TreeManifests;
  sync: Sync;
  account: AwsAccount;
  images: TaggedImage[];
  /** Images that the registry has before the push. */
  present: TaggedImage[];
  hosts: string[];
  foreign: ForeignKind[];
}

const gitSecret = 'millrace-rehearsal-git';
const sopsSecret = 'millrace-rehearsal-sops';
const repositoryName = 'rehearsed';

/** Rehearses a delivery; `onLine` is told what happens. Throws REHEARSAL_IMPOSSIBLE where the question cannot be put. */
export async function rehearse(
  options: RehearsalOptions,
  context: CliContext,
  onLine: (line: string) => void,
): Promise<Rehearsal> {
  const tree = await takeTree(options.repo, { ref: options.ref }, context);
  try {
    onLine(`tree         ${tree.description}`);
    const plan = await planRehearsal(tree, options);
    return await inSandbox(plan, options, context, onLine);
  } finally {
    await tree.close();
  }
}

async function planRehearsal(tree: Tree, options: RehearsalOptions): Promise<Plan> {
  const read = await readManifests(tree);
  const sync = findSync(read, options.path);
  if (sync.path !== '' && !tree.files.some((file) => file.startsWith(`${sync.path}/`))) {
    throw impossible(`the tree has no folder ${sync.path}`, undefined, 'Name the folder of a cluster with --path.');
  }
  const scanned = ofKind(read, 'image.toolkit.fluxcd.io', 'ImageRepository').flatMap(
    ({ object }) => textAt(object, 'spec', 'image') ?? [],
  );
  const known = scanned.filter((image) => parseTaggedImage(`${image}:x`) !== undefined);
  const images = options.images.map((text) => resolveImage(text, known));
  const written = read.images.flatMap((text) => parseTaggedImage(text) ?? []);
  const hosts = [
    ...new Set([...images, ...known.map((image) => parseTaggedImage(`${image}:x`))].flatMap((one) => one?.host ?? [])),
  ];
  const present = distinct([
    ...written.filter(({ host }) => hosts.includes(host)),
    ...markedImages(read),
    ...options.existing.map((text) => resolveImage(text, known)),
  ]);
  const account = accountOf([...images.map(({ host }) => host), ...hosts]);
  return { tree, read, sync, account, images, present, hosts, foreign: foreignKinds(read) };
}

function distinct(images: readonly TaggedImage[]): TaggedImage[] {
  return [...new Map(images.map((image) => [formatImage(image), image])).values()];
}

/** Images whose tag stands beside a marker of their policy. */
function markedImages(read: TreeManifests): TaggedImage[] {
  return ofKind(read, 'image.toolkit.fluxcd.io', 'ImagePolicy').flatMap(({ object }) => {
    const repository = textAt(object, 'spec', 'imageRepositoryRef', 'name');
    const images = ofKind(read, 'image.toolkit.fluxcd.io', 'ImageRepository')
      .filter((one) => one.object.metadata.name === repository)
      .flatMap((one) => textAt(one.object, 'spec', 'image') ?? []);
    const tags = [...(read.markedTags.get(object.metadata.name) ?? [])];
    return images.flatMap((image) => tags.flatMap((tag) => parseTaggedImage(`${image}:${tag}`) ?? []));
  });
}

/** The account and region of the first image in ECR, so that ARNs in policies mean what they say. */
function accountOf(hosts: readonly string[]): AwsAccount {
  for (const host of hosts) {
    const ecr = parseEcrHost(host);
    if (ecr?.kind === 'private') return { partition: partitionOf(ecr.region), id: ecr.account, region: ecr.region };
  }
  return { partition: 'aws', id: '000000000000', region: 'eu-west-1' };
}

async function inSandbox(
  plan: Plan,
  options: RehearsalOptions,
  context: CliContext,
  onLine: (line: string) => void,
): Promise<Rehearsal> {
  const { signal, env } = context;
  const { tree, read, sync, account } = plan;
  const dataDir = await mkdtemp(join(tmpdir(), 'millrace-rehearsal-'));
  const closers: (() => unknown)[] = [() => rm(dataDir, { recursive: true, force: true })];
  try {
    const searchPath = env['PATH'];
    const git = createGit(searchPath === undefined ? {} : { searchPath });
    const logger = createLogger('error', context.stderr);
    const sandbox = await startSandbox({
      dataDir,
      account,
      logger,
      ...(searchPath === undefined ? {} : { searchPath }),
    });
    closers.push(() => sandbox.close());
    const { access } = sandbox;
    const kube = createKubeClient(await loadKubeConfig({ env: {}, path: access.kubernetes.kubeconfig }));
    closers.push(() => kube.close());

    if (options.sopsAgeKey === undefined) await fillSopsFiles(tree, read.sopsFiles);
    const gitUrl = await sandbox.git.createRepository(repositoryName, { defaultBranch: sync.branch });
    const auth = { kind: 'basic' as const, username: access.git.username, password: access.git.password };
    await pushFolder(
      git,
      { url: gitUrl, auth },
      { dir: tree.dir, branch: sync.branch, message: 'The rehearsed tree\n' },
      signal,
    );

    const registries = await openRegistries(access, plan.hosts, dataDir);
    closers.push(() => registries.close());
    for (const image of plan.present) await registries.push(image, signal);

    const installation = installationOf(plan, access, gitUrl);
    const role = roleOf(plan, options, installation, access.kubernetes.issuer);
    await makeIdentity(role, access);
    const definitions = ownDefinitions(read);
    const sourceUrl = textAt(sync.source, 'spec', 'url') ?? rehearsedUrl;
    const secrets = new Map<string, Record<string, string>>([
      [gitSecret, { username: access.git.username, password: access.git.password }],
      [sopsSecret, { 'rehearsal.agekey': options.sopsAgeKey ?? '' }],
    ]);
    const standIns = await startStandIns({
      repositories: new Set([sourceUrl, ...(tree.origin === undefined ? [] : [tree.origin])].map(repositoryKey)),
      gitUrl,
      branch: sync.branch,
      gitSecret,
      registryHosts: new Set([access.registry.host, ...plan.hosts]),
      images: new Set([...plan.present, ...plan.images].map(imageName)),
      sopsSecret: options.sopsAgeKey === undefined ? undefined : sopsSecret,
      role: { arn: role.arn, ownAccount: account.id },
      definitions,
      ensureSecret: secretMaker(secrets, kube, signal),
      async isSuspended({ kind, namespace, name }) {
        const source = { apiVersion: 'source.toolkit.fluxcd.io/v1', kind, namespace, name };
        const found = await kube.get(source, { signal }).catch(() => undefined);
        return valueAt(found, 'spec', 'suspend') === true;
      },
    });
    closers.push(() => standIns.close());
    const cluster = {
      installation,
      roleArn: role.arn,
      sync,
      foreign: plan.foreign,
      definitions,
      given: options.given,
      webhookUrl: standIns.url,
    };
    await prepareCluster(cluster, kube, signal);
    onLine(`sandbox      account ${account.id} in ${account.region}, ${plan.present.length} images that the tree runs`);

    const controllers = await runControllers(
      sandbox,
      kube,
      {
        dataDir,
        namespace: installation.namespace,
        registries: registries.endpoints,
        args: [
          '--controllers',
          controllerNames,
          '--take-over',
          '--requeue-dependency',
          '1s',
          '--max-retry-delay',
          '2s',
        ],
      },
      context,
    );
    closers.push(() => controllers.close());
    await startSync(sync, kube, signal);
    const stage = {
      sandbox,
      kube,
      git,
      registries,
      standIns,
      controllers,
      repository: repositoryName,
      sync,
      timeoutMs: options.timeoutMs,
    };
    const start = await settle(stage, signal, onLine);
    const delivery = await followImages(stage, start, { images: plan.images, present: plan.present }, signal, onLine);
    return {
      ...delivery,
      tree: tree.description,
      path: sync.path === '' ? './' : sync.path,
      branch: sync.branch,
      notes: [...notesOf(plan, options, role), ...standIns.notes(), ...delivery.notes],
    };
  } finally {
    for (const closer of closers.reverse()) await closer();
  }
}

const controllerNames = 'source-controller,kustomize-controller,image-reflector-controller,image-automation-controller';

async function fillSopsFiles(tree: Tree, files: readonly string[]): Promise<void> {
  for (const file of files) {
    const path = join(tree.dir, file);
    await writeFile(path, withPlaceholders(await readFile(path, 'utf8'), file));
  }
}

function installationOf(
  { sync, account, images, present }: Plan,
  access: { kubernetes: { issuer: string }; git: { username: string; password: string }; registry: { host: string } },
  gitUrl: string,
): Installation {
  const own = [...images, ...present].filter(({ host }) => host === access.registry.host);
  return {
    namePrefix: 'rehearsal',
    aws: { partition: account.partition, account: account.id, region: account.region },
    issuer: access.kubernetes.issuer,
    namespace: sync.source.metadata.namespace ?? 'flux-system',
    repositories: [...new Set(own.map(({ repository }) => repository))],
    createRepositories: [],
    ecrProfile: 'scan+meta',
    git: {
      url: gitUrl,
      branch: sync.branch,
      path: sync.path,
      secretName: gitSecret,
      username: access.git.username,
      password: access.git.password,
    },
  };
}

function roleOf(
  { read, account }: Plan,
  { trust, policies, issuer }: RehearsalOptions,
  { namespace, repositories }: Installation,
  sandboxIssuer: string,
): RehearsedRole {
  const scanner = read.manifests.find(
    ({ object }) => object.kind === 'ServiceAccount' && object.metadata.name === 'image-reflector-controller',
  );
  const annotated = scanner?.object.metadata.annotations?.['eks.amazonaws.com/role-arn'] ?? read.roleArns[0];
  return planRole({ annotated, trust, policies, issuer, account, sandboxIssuer, namespace, repositories });
}

/** What was made up or left out, as far as the tree alone tells. */
function notesOf({ read, sync, foreign, hosts }: Plan, { sopsAgeKey }: RehearsalOptions, role: RehearsedRole): Note[] {
  const notes: Note[] = [];
  if (sync.assumed !== undefined)
    notes.push({ what: sync.assumed, why: 'the tree does not have it; one that fits was used' });
  // Who reads no registry of AWS has no use for a role.
  if (hosts.some((host) => parseEcrHost(host)?.kind === 'private')) notes.push(...role.notes);
  for (const { kind, group } of foreign)
    notes.push({
      what: `${kind}.${group}`,
      why: 'the tree has no definition of this kind; its objects were taken as they are',
    });
  if (read.sopsFiles.length > 0 && sopsAgeKey === undefined) {
    const files = read.sopsFiles.join(', ');
    notes.push({ what: files, why: 'encrypted by SOPS; values were made up (--sops-age-key decrypts)' });
  }
  return notes;
}
