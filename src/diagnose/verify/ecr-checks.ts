import type { AwsSession } from '../../aws/identity.ts';
import { errorMessage } from '../../base/error.ts';
import { formatRef } from '../../base/kube-object.ts';
import { parseArn } from '../../iam/arn.ts';
import { checkEcrAccess } from '../../iam/check-access.ts';
import { ecrProfiles, repositoryArn } from '../../iam/ecr-policy.ts';
import { formatRepository } from '../../oci/reference.ts';
import { listTags } from '../../oci/tags.ts';
import { reasonOf } from '../reason.ts';
import { type Check, type CheckResult, fail, failedBy, pass, skipped, unknown } from './check.ts';
import { nameOfRole, need, readsRole, type ScannedRepository, type Scene } from './scene.ts';

function nothingScanned({ reader }: Scene): CheckResult {
  const gap = reader.gapOf('ImageRepository');
  return gap === undefined ? skipped('no ImageRepository scans an ECR registry') : unknown(gap.why);
}

/** Checks 16 to 20: what the role may do, the login, and every repository that is scanned. */
export const ecrChecks: readonly Check<Scene>[] = [
  {
    number: 16,
    name: 'permissions of the role',
    provedBy: [18],
    needs: readsRole,
    async run(scene) {
      const { scanned, roleArn, tools } = scene;
      if (scanned.length === 0) return nothingScanned(scene);
      const arn = parseArn(roleArn ?? '');
      if (arn === undefined || roleArn === undefined) return unknown('needs the role of 4');
      const role = await tools.readRole(nameOfRole(arn)).catch((error: unknown) => unknown(reasonOf(error)));
      if ('verdict' in role) return role;
      const repositories = scanned.map(({ account, region, repository }) =>
        repositoryArn({ partition: arn.partition, region, account }, repository.name),
      );
      const calls = checkEcrAccess({ ...role, roleArn, profile: 'scan', repositories: [...new Set(repositories)] });
      const denied = calls.filter(({ allowed }) => !allowed);
      if (denied.length === 0)
        return pass(`ecr:GetAuthorizationToken and ${ecrProfiles.scan.join(', ')} on ${repositories.join(', ')}`);
      return denied.map(({ action, resource, reasons }) => ({
        ...fail(
          `${action} on ${resource} is denied: ${reasons.join('; ')}`,
          'millrace iam policy prints the policy that fits.',
        ),
        symptom: `${roleArn} is not authorized to perform: ${action} on resource: ${resource} because no identity-based policy allows the ${action} action`,
      }));
    },
  },
  {
    number: 17,
    name: 'ECR login',
    async run(scene) {
      if (scene.scanned.length === 0) return nothingScanned(scene);
      const session = await need(scene.session, 14);
      return Promise.all(
        [...new Set(scene.scanned.map(({ repository }) => repository.host))].map(async (host) => {
          try {
            const { expiresAt } = await scene.tools.login(session, host);
            return pass(`${host}: a login that ends in ${((expiresAt - Date.now()) / 3_600_000).toFixed(1)} h`);
          } catch (error) {
            return failedBy(error);
          }
        }),
      );
    },
  },
  {
    number: 18,
    name: 'tag list',
    async run(scene) {
      if (scene.scanned.length === 0) return nothingScanned(scene);
      const session = await need(scene.session, 14);
      return Promise.all(scene.scanned.map((scanned) => listOf(scene, session, scanned)));
    },
  },
  {
    number: 19,
    name: 'repository',
    provedBy: [18],
    needs: 'ecr:DescribeRepositories',
    async run(scene) {
      const { scanned, tools } = scene;
      if (scanned.length === 0) return nothingScanned(scene);
      return Promise.all(
        scanned.map(async (one) => {
          const name = formatRepository(one.repository);
          try {
            await tools.describeRepository(one.account, one.region, one.repository.name);
            return pass(`${name} exists in ${one.account}, ${one.region}`);
          } catch (error) {
            const { evidence } = failedBy(error);
            if (!evidence.includes('RepositoryNotFound')) return unknown(`${name}: ${reasonOf(error)}`);
            const fix = 'Correct account, region or name in spec.image, or create it.';
            return { ...fail(`${name} does not exist`, fix, 'ecr-registry-mismatch'), object: formatRef(one.object) };
          }
        }),
      );
    },
  },
  {
    number: 20,
    name: 'foreign accounts',
    async run(scene) {
      const { scanned, roleArn } = scene;
      if (scanned.length === 0) return nothingScanned(scene);
      const own = parseArn(roleArn ?? '')?.account;
      const foreign = scanned.filter(({ account }) => account !== own);
      if (own === undefined || foreign.length === 0) return skipped("every repository is in the role's own account");
      return pass(
        `read from other accounts, so their repository policies have a part in 18: ${foreign.map(({ account }) => account).join(', ')}`,
      );
    },
  },
];

async function listOf(scene: Scene, session: AwsSession, scanned: ScannedRepository): Promise<CheckResult> {
  const name = formatRepository(scanned.repository);
  const object = formatRef(scanned.object);
  try {
    const credential = await scene.tools.login(session, scanned.repository.host);
    const tags = await listTags(scene.tools.openRegistry(credential), scanned.repository, { signal: scene.signal });
    if (tags.length === 0) return { ...fail(`${name} has no tags`, 'Push an image.', 'no-tags'), object };
    return { ...pass(`${name}: ${tags.length} tags`), object };
  } catch (error) {
    scene.signal.throwIfAborted();
    return { ...failedBy(error), evidence: `${name}: ${errorMessage(error)}`, object };
  }
}
