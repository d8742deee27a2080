import type { IAMClient } from '@aws-sdk/client-iam';
import { sleep, withDeadline } from '../base/deadline.ts';
import { formatRef, type KindRef, type KubeObject, type ObjectRef } from '../base/kube-object.ts';
import type { KubeClient } from '../kube/client.ts';
import { type AwsClients, eksClient, eventsClients, found } from './apply-aws.ts';
import { planEventsRemoval } from './apply-events.ts';
import { planAssociationRemoval } from './apply-pod-identity.ts';
import { type AwsModel, awsModelOf, type EcrReader } from './aws-model.ts';
import { clusterModelOf } from './cluster-model.ts';
import type { Installation } from './installation.ts';
import { liveObject, refOf } from './live-object.ts';
import { hasMadeByLabel, hasMadeByTag } from './made-by.ts';
import type { Step } from './plan.ts';

export interface DestroyPlan {
  steps: Step[];
  /** What stays, and why. */
  kept: string[];
}

/**
 * How to take an installation away again: the cluster first, in the reverse order, then IAM. Only what provisioning made goes; the
 * definitions of kinds stay, because every object of theirs would go with them, and so do ECR repositories with their images.
 */
export async function planDestroy(
  installation: Installation,
  targets: AwsClients & { kube: KubeClient },
  signal: AbortSignal,
): Promise<DestroyPlan> {
  const aws = awsModelOf(installation);
  const plan: DestroyPlan = { steps: [], kept: [] };
  const isDefinition = ({ kind }: KubeObject) => kind === 'CustomResourceDefinition';
  const objects = clusterModelOf(installation, aws);
  for (const object of objects.filter((each) => !isDefinition(each)).reverse()) {
    await planObject(object, targets.kube, plan, signal);
  }
  plan.kept.push('CustomResourceDefinitions: every object of their kinds would go with them');
  const add = ({ steps, kept }: DestroyPlan) => {
    plan.steps.push(...steps);
    plan.kept.push(...kept);
  };
  for (const association of aws.associations) {
    add(await planAssociationRemoval(association, eksClient(targets), signal));
  }
  for (const reader of aws.readers) {
    await planRole(reader, targets.iam, plan, signal);
    await planPolicy(reader, targets.iam, plan, signal);
  }
  if (aws.events !== undefined) add(await planEventsRemoval(aws.events, eventsClients(targets), signal));
  if (aws.identity === 'irsa') await planProvider(aws, targets.iam, plan, signal);
  for (const repository of aws.repositories) plan.kept.push(`ECR repository ${repository}: it has images`);
  return plan;
}

async function planObject(object: KubeObject, kube: KubeClient, plan: DestroyPlan, signal: AbortSignal): Promise<void> {
  const live = await liveObject(object, kube, signal);
  if (live === undefined) return;
  if (!hasMadeByLabel(live.metadata.labels)) {
    plan.kept.push(`${formatRef(object)}: it was there before`);
    return;
  }
  const others = object.kind === 'Namespace' ? await contentsOfOthers(object.metadata.name, kube, signal) : [];
  if (others.length > 0) {
    plan.kept.push(`${formatRef(object)}: others have things in it: ${others.join(', ')}`);
    return;
  }
  const ref = refOf(object);
  const { uid } = live.metadata;
  const run = async () => {
    await kube.delete(ref, { signal, ...(uid === undefined ? {} : { uid }) });
    if ((live.metadata.finalizers ?? []).length > 0) await waitUntilGone(ref, kube, signal);
  };
  plan.steps.push({ action: 'delete', what: formatRef(object), run });
}

/** What people put into namespaces and would miss. */
const ownedKinds: readonly KindRef[] = [
  ...['Secret', 'ConfigMap', 'PersistentVolumeClaim'].map((kind) => ({ apiVersion: 'v1', kind })),
  ...['Deployment', 'StatefulSet', 'DaemonSet'].map((kind) => ({ apiVersion: 'apps/v1', kind })),
];

/**
 * What would go with a namespace although provisioning did not make it: not what a Kustomization applied, which is pruned with it, nor
 * what Kubernetes puts into every namespace.
 */
async function contentsOfOthers(namespace: string, kube: KubeClient, signal: AbortSignal): Promise<string[]> {
  const found: string[] = [];
  for (const kind of ownedKinds) {
    const { items } = await kube.list(kind, { namespace, signal });
    for (const { metadata } of items) {
      const { labels = {}, name } = metadata;
      const isApplied = Object.keys(labels).some((label) => label.startsWith('kustomize.toolkit.fluxcd.io/'));
      if (!isApplied && !hasMadeByLabel(labels) && name !== 'kube-root-ca.crt') found.push(`${kind.kind}/${name}`);
    }
  }
  return found;
}

const finalizerPatienceMs = 60_000;

/** A finalizer needs its controller, which needs the rights that are taken away next. */
async function waitUntilGone(ref: ObjectRef, kube: KubeClient, signal: AbortSignal): Promise<void> {
  const what = `the controllers to let ${ref.kind}/${ref.name} go (they have to run; suspended objects go at once)`;
  await withDeadline(signal, finalizerPatienceMs, what, async (deadline) => {
    while ((await kube.get(ref, { signal: deadline })) !== undefined) await sleep(200, deadline);
  });
}

async function planRole(
  { role, policy }: EcrReader,
  iam: IAMClient,
  plan: DestroyPlan,
  signal: AbortSignal,
): Promise<void> {
  const aws = await import('@aws-sdk/client-iam');
  const abort = { abortSignal: signal };
  const RoleName = role.name;
  const existing = await found(iam.send(new aws.GetRoleCommand({ RoleName }), abort));
  if (existing === undefined) return;
  if (!hasMadeByTag(existing.Role?.Tags)) {
    plan.kept.push(`IAM role ${role.arn}: it was there before`);
    const { AttachedPolicies = [] } = await iam.send(new aws.ListAttachedRolePoliciesCommand({ RoleName }), abort);
    if (!AttachedPolicies.some(({ PolicyArn }) => PolicyArn === policy.arn)) return;
    const detach = new aws.DetachRolePolicyCommand({ RoleName, PolicyArn: policy.arn });
    const what = `IAM role ${role.arn}: detach ${policy.arn}`;
    plan.steps.push({ action: 'update', what, run: async () => void (await iam.send(detach, abort)) });
  } else {
    plan.steps.push({
      action: 'delete',
      what: `IAM role ${role.arn}`,
      run: async () => {
        const { AttachedPolicies = [] } = await iam.send(new aws.ListAttachedRolePoliciesCommand({ RoleName }), abort);
        for (const { PolicyArn } of AttachedPolicies) {
          await iam.send(new aws.DetachRolePolicyCommand({ RoleName, PolicyArn }), abort);
        }
        await iam.send(new aws.DeleteRoleCommand({ RoleName }), abort);
      },
    });
  }
}

async function planPolicy(
  { policy }: EcrReader,
  iam: IAMClient,
  plan: DestroyPlan,
  signal: AbortSignal,
): Promise<void> {
  const aws = await import('@aws-sdk/client-iam');
  const abort = { abortSignal: signal };
  const PolicyArn = policy.arn;
  const existing = await found(iam.send(new aws.GetPolicyCommand({ PolicyArn }), abort));
  if (existing === undefined) return;
  if (!hasMadeByTag(existing.Policy?.Tags)) plan.kept.push(`IAM policy ${policy.arn}: it was there before`);
  else {
    plan.steps.push({
      action: 'delete',
      what: `IAM policy ${policy.arn}`,
      run: async () => {
        const { Versions = [] } = await iam.send(new aws.ListPolicyVersionsCommand({ PolicyArn }), abort);
        for (const { VersionId, IsDefaultVersion } of Versions) {
          if (IsDefaultVersion !== true)
            await iam.send(new aws.DeletePolicyVersionCommand({ PolicyArn, VersionId }), abort);
        }
        await iam.send(new aws.DeletePolicyCommand({ PolicyArn }), abort);
      },
    });
  }
}

async function planProvider(
  { provider }: AwsModel,
  iam: IAMClient,
  plan: DestroyPlan,
  signal: AbortSignal,
): Promise<void> {
  const aws = await import('@aws-sdk/client-iam');
  const abort = { abortSignal: signal };
  const query = { OpenIDConnectProviderArn: provider.arn };
  const existing = await found(iam.send(new aws.GetOpenIDConnectProviderCommand(query), abort));
  if (existing === undefined) return;
  if (!hasMadeByTag(existing.Tags)) plan.kept.push(`OIDC provider ${provider.arn}: it was there before`);
  else {
    const run = async () => void (await iam.send(new aws.DeleteOpenIDConnectProviderCommand(query), abort));
    plan.steps.push({ action: 'delete', what: `OIDC provider ${provider.arn}`, run });
  }
}
