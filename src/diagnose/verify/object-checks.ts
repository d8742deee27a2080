import { parseEcrHost } from '../../aws/ecr-host.ts';
import { isRecord, listAt, textAt, valueAt } from '../../base/json.ts';
import { formatRef, type KubeObject } from '../../base/kube-object.ts';
import { fluxKinds } from '../collect/flux-kinds.ts';
import type { ClusterReader } from '../collect/reader.ts';
import { gitSecretFacts } from '../collect/secret-facts.ts';
import { conditionOf } from '../condition.ts';
import { type Check, type CheckResult, fail, failedBy, pass, skipped, unknown } from './check.ts';
import type { Scene } from './scene.ts';

/** Checks 21 to 27 and 32, and beyond the list 33 and 34: the objects of the chain, git, pods, and versions. */
export const objectChecks: readonly Check<Scene>[] = [
  each(21, 'ImageRepository provider', 'ImageRepository', (object) => {
    const host = (textAt(object, 'spec', 'image') ?? '').split('/')[0] ?? '';
    const provider = textAt(object, 'spec', 'provider') ?? 'generic';
    if (parseEcrHost(host) === undefined) return skipped('not in ECR');
    const secret = textAt(object, 'spec', 'secretRef', 'name');
    if (provider !== 'aws')
      return fail(
        `provider is ${provider}: the scan is ${secret === undefined ? 'anonymous' : `as ${secret}, which has no fresh token`}`,
        'Set spec.provider: aws.',
        'image-provider-not-aws',
      );
    return pass('provider: aws');
  }),
  each(22, 'scan', 'ImageRepository', (object) => {
    const count = valueAt(object, 'status', 'lastScanResult', 'tagCount');
    const result = readiness(object);
    if (result.verdict !== 'pass') return result;
    return count === 0
      ? fail('the scan found no tags', 'Push an image, or look at spec.exclusionList.', 'no-tags')
      : result;
  }),
  each(23, 'policy', 'ImagePolicy', (object) => {
    const tag = textAt(object, 'status', 'latestRef', 'tag') ?? textAt(object, 'status', 'latestImage');
    const result = readiness(object);
    return result.verdict === 'pass' && tag !== undefined ? pass(`chose ${tag}`) : result;
  }),
  each(24, 'git source', 'GitRepository', async (object, { tools }) => {
    const result = readiness(object);
    if (result.verdict !== 'pass') return result;
    const revision = textAt(object, 'status', 'artifact', 'revision') ?? '';
    try {
      const head = await tools.remoteHead(object);
      return revision.endsWith(head)
        ? pass(`${revision}, which is the remote head`)
        : pass(`${revision}; the remote is at ${head.slice(0, 7)} by now`);
    } catch (error) {
      return { ...pass(revision), evidence: `${revision}; the remote was not asked: ${failedBy(error).evidence}` };
    }
  }),
  each(25, 'git write', 'ImageUpdateAutomation', async (object, { tools }) => {
    try {
      await tools.tryPush(object);
      return pass('a dry-run push is accepted (what protects the branch shows with a real push only)');
    } catch (error) {
      return failedBy(error);
    }
  }),
  each(26, 'setter markers', 'ImageUpdateAutomation', async (object, { tools }) => {
    const ready = conditionOf(object, 'Ready');
    if (ready?.status === 'False') return fail(`${ready.reason}: ${ready.message}`);
    const { changes, findings } = await tools.previewAutomation(object);
    if (findings.length > 0) return fail(findings.join('; '), 'millrace lint markers names every line.');
    return pass(changes === 0 ? 'nothing to commit now' : `${changes} files would change with the next run`);
  }),
  {
    number: 27,
    name: 'image pulls',
    async run({ reader }) {
      const pods = await reader.list({ apiVersion: 'v1', kind: 'Pod' });
      const gap = reader.gapOf('Pod');
      if (gap !== undefined) return unknown(gap.why);
      const waiting = pods.flatMap((pod) => pullFaults(pod));
      if (waiting.length > 0) return waiting;
      const running = pods.filter((pod) => textAt(pod, 'status', 'phase') === 'Running').length;
      return running === 0 ? skipped('no pods run') : pass(`${running} pods run, none waits for its image`);
    },
  },
  each(32, 'git credential', 'GitRepository', async (object, { reader }) => {
    const name = textAt(object, 'spec', 'secretRef', 'name');
    if (name === undefined) return skipped('no secretRef');
    const secret = await reader.get({ apiVersion: 'v1', kind: 'Secret', namespace: object.metadata.namespace, name });
    if (secret === undefined) return secretResult(reader, `${object.metadata.namespace}/${name}`);
    return credentialResult(object, secret);
  }),
  each(33, 'Kustomization', 'Kustomization', readiness),
  {
    number: 34,
    name: 'API versions',
    async run({ reader }) {
      const crds = await reader.list({ apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition' });
      const flux = crds.filter(({ metadata }) => metadata.name.endsWith('.toolkit.fluxcd.io'));
      if (flux.length === 0)
        return reader.gapOf('CustomResourceDefinition')
          ? unknown(reader.gapOf('CustomResourceDefinition')?.why ?? '')
          : fail('no kind of Flux is defined here');
      const old = flux.flatMap((crd) => {
        const stored = listAt(crd, 'status', 'storedVersions').map(String);
        const beta = stored.filter((version) => /alpha|beta/.test(version) && version !== newestOf(crd));
        return beta.length === 0 ? [] : [`${crd.metadata.name} has objects stored as ${beta.join(', ')}`];
      });
      const versions = new Set(
        flux.map(({ metadata }) => metadata.labels?.['app.kubernetes.io/version'] ?? 'unlabelled'),
      );
      return old.length === 0
        ? pass(`${flux.length} kinds, ${[...versions].join(', ')}; none stored in a deprecated version`)
        : fail(
            old.join('; '),
            'Migrate them before the version is removed: flux migrate, or migrateResources of the FluxInstance.',
          );
    },
  },
];

/** The newest version of a kind that is known; of other kinds, such as those for notifications, the one that is stored by now. */
function newestOf(crd: KubeObject): string | undefined {
  const known = fluxKinds.find(({ kind }) => kind === textAt(crd, 'spec', 'names', 'kind'));
  const storage = listAt(crd, 'spec', 'versions').find((version) => valueAt(version, 'storage') === true);
  return known?.versions[0] ?? textAt(storage, 'name');
}

function each(
  number: number,
  name: string,
  kind: string,
  look: (object: KubeObject, scene: Scene) => CheckResult | Promise<CheckResult>,
): Check<Scene> {
  return {
    number,
    name,
    async run(scene) {
      const objects = scene.objects[kind] ?? [];
      const gap = scene.reader.gapOf(kind);
      if (gap !== undefined) return unknown(gap.why);
      if (objects.length === 0) return skipped(`there is no ${kind}`);
      const results: CheckResult[] = [];
      for (const object of objects) {
        const about = `${object.metadata.namespace}/${object.metadata.name}`;
        const result = valueAt(object, 'spec', 'suspend') === true ? skipped('suspended') : await look(object, scene);
        results.push({ ...result, object: formatRef(object), evidence: `${about}: ${result.evidence}` });
      }
      return results;
    },
  };
}

function readiness(object: KubeObject): CheckResult {
  const ready = conditionOf(object, 'Ready');
  if (ready === undefined) return unknown('no controller has looked at it yet');
  if (ready.status === 'True') return pass(ready.message);
  return ready.status === 'False'
    ? fail(`${ready.reason}: ${ready.message}`, 'millrace doctor names the cause.')
    : unknown(ready.message);
}

function pullFaults(pod: KubeObject): CheckResult[] {
  return listAt(pod, 'status', 'containerStatuses').flatMap((status) => {
    const waiting = valueAt(status, 'state', 'waiting');
    const reason = textAt(waiting, 'reason') ?? '';
    if (!isRecord(waiting) || !/ImagePull/.test(reason)) return [];
    return [
      fail(
        `${formatRef(pod)}: ${reason}: ${textAt(waiting, 'message') ?? ''}`,
        "The node's role needs ecr:BatchGetImage and ecr:GetDownloadUrlForLayer, and the tag has to exist.",
      ),
    ];
  });
}

/** A Secret that was not read: not there, or not for us to see. */
function secretResult({ gaps }: ClusterReader, key: string): CheckResult {
  const gap = gaps.find(({ what }) => what === `get Secret ${key}`);
  if (gap !== undefined) return unknown(gap.why);
  return fail(`the Secret ${key} does not exist`, 'Create it: flux create secret git.', 'secret-invalid');
}

/** By the shape of the Secret; its values are not shown (spec/provisioning.md §11). */
function credentialResult(object: KubeObject, secret: KubeObject): CheckResult {
  const facts = gitSecretFacts(secret);
  const keys = facts['git_secret_keys'] as string[];
  const username = Buffer.from(textAt(secret, 'data', 'username') ?? '', 'base64').toString('utf8');
  const url = textAt(object, 'spec', 'url') ?? '';
  if (facts['git_secret_password_prefix'] === 'ATBB' && /bitbucket\.org/.test(url)) {
    return fail(
      'the password is a Bitbucket app password; they stopped working in 2026',
      'Use an API token with user x-bitbucket-api-token-auth, or a repository access token with x-token-auth.',
      'git-auth-app-password-removed',
    );
  }
  if (username.includes('@') && /bitbucket\.org/.test(url))
    return fail(
      'the user name is an e-mail address, which git over HTTPS does not take',
      'Use x-bitbucket-api-token-auth with an API token.',
      'git-credentials-invalid',
    );
  if (url.startsWith('ssh:') && !keys.includes('known_hosts'))
    return fail(
      'known_hosts is missing: the server cannot be told from an impostor',
      'flux create secret git, or ssh-keyscan after checking the fingerprint.',
      'git-known-hosts-missing',
    );
  return pass(`keys ${keys.join(', ')}`);
}
