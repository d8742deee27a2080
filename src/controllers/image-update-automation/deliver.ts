import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImageUpdateAutomation } from '../../api/image-update-automation.ts';
import type { Clock } from '../../base/clock.ts';
import { sleep, withDeadline } from '../../base/deadline.ts';
import { sha256Hex } from '../../base/digest.ts';
import { errorMessage, isMillraceError } from '../../base/error.ts';
import type { ObjectKey } from '../../base/kube-object.ts';
import type { Logger } from '../../base/logger.ts';
import { listRemoteRefs } from '../../git/ls-remote.ts';
import { pushHead, pushRefspec } from '../../git/push.ts';
import { cloneWorkTree, commitAll, switchWorkTree, type WorkTree } from '../../git/work-tree.ts';
import { Fault } from '../image/fault.ts';
import { type AppliedSetters, applySetters } from './apply-setters.ts';
import { type CheckoutRef, resolveCheckoutRef } from './checkout-ref.ts';
import { renderCommitMessage } from './commit-message.ts';
import type { ImageUpdateAutomationDeps } from './deps.ts';
import { checkRefs, type PolicyScope } from './policies.ts';
import type { SourcePlan } from './source.ts';

/** How often a push that lost the race is redone on the new head before the run fails. */
const maxAttempts = 8;
const maxPauseMs = 400;

export interface DeliveryInput {
  automation: ImageUpdateAutomation;
  key: ObjectKey;
  plan: SourcePlan;
  wanted: CheckoutRef;
  policies: PolicyScope;
  signal: AbortSignal;
  clock: Clock;
  logger: Logger;
}

export interface Delivery extends AppliedSetters {
  /** The commit that was read. */
  base: string;
  /** The commit that was pushed; undefined where nothing changed. */
  pushed?: { commit: string; message: string };
}

/**
 * Clones, edits, commits and pushes. A push that finds the branch moved is redone on the new head: fetched, edited anew,
 * pushed; so nobody's commit is lost, and nothing is committed when the other side has made the same change.
 * Throws Fault with the reasons of spec/image.md §6.4 steps 8 to 11.
 */
export async function deliver(input: DeliveryInput, deps: ImageUpdateAutomationDeps): Promise<Delivery> {
  const { automation, policies, logger } = input;
  checkRefs(policies.refs);
  const { tree, remoteHead } = await checkOut(input, deps);
  const base = tree.head;
  for (let attempt = 1; ; attempt++) {
    const applied = await edit(automation, tree, policies);
    if (applied.changes.length === 0) return { ...applied, base };
    const committed = await commit(input, deps, tree, applied);
    if (committed === undefined) return { ...applied, base };
    try {
      await push(input, deps, tree, remoteHead.oid);
      return { ...applied, base, pushed: committed };
    } catch (cause) {
      if (!isMillraceError(cause, 'GIT_PUSH_MOVED') || attempt === maxAttempts) throw updateFault(cause);
      logger.info(`push lost the race, trying again on the new head: ${errorMessage(cause)}`, { attempt });
      // Not all losers at the same moment again.
      await sleep(Math.random() * maxPauseMs * Math.min(1, attempt / 3), input.signal);
      await moveToHead(input, deps, tree, remoteHead);
    }
  }
}

export interface PreparedDelivery extends AppliedSetters {
  tree: WorkTree;
  /** The commit that was read. */
  base: string;
  commit?: { commit: string; message: string };
}

/** Clones, edits and commits like `deliver`, and pushes nothing: what would be pushed now. */
export async function prepareDelivery(
  input: DeliveryInput,
  deps: ImageUpdateAutomationDeps,
): Promise<PreparedDelivery> {
  checkRefs(input.policies.refs);
  const { tree } = await checkOut(input, deps);
  const base = tree.head;
  const applied = await edit(input.automation, tree, input.policies);
  const committed = applied.changes.length === 0 ? undefined : await commit(input, deps, tree, applied);
  return { ...applied, tree, base, ...(committed !== undefined && { commit: committed }) };
}

/** The folder of an automation's clone of one remote. */
export function cloneDir(
  { clonesDir }: Pick<ImageUpdateAutomationDeps, 'clonesDir'>,
  key: ObjectKey,
  url = '',
): string {
  const dir = join(clonesDir, key.namespace, key.name);
  return url === '' ? dir : join(dir, sha256Hex(url).slice(0, 16));
}

/** What the server's push branch held when we looked; undefined: it did not exist. */
interface RemoteHead {
  oid: string | undefined;
}

async function checkOut(
  input: DeliveryInput,
  deps: ImageUpdateAutomationDeps,
): Promise<{ tree: WorkTree; remoteHead: RemoteHead }> {
  const { plan, wanted, key, automation } = input;
  const dir = cloneDir(deps, key, plan.remote.url);
  const path = automation.spec.update?.path;
  const clone = (signal: AbortSignal, source: string) =>
    cloneWorkTree(deps.git, plan.remote, {
      signal,
      dir,
      source,
      depth: deps.gates.gitShallowClone ? 1 : 0,
      ...(deps.gates.gitSparseCheckout && path && { sparse: [path] }),
    });
  try {
    return await withDeadline(input.signal, plan.timeoutMs, `cloning '${plan.remote.url}'`, async (signal) => {
      const remoteHead: RemoteHead = plan.switchesBranch
        ? await findPushHead(input, deps, signal)
        : { oid: wanted.commit };
      const continues = plan.switchesBranch && deps.gates.gitAllBranchReferences && remoteHead.oid !== undefined;
      const source = continues ? pushTarget(plan) : wanted.source;
      const tree = await clone(signal, source).catch(async (error: unknown) => {
        // A clone that a killed run left broken is no reason to fail: all of it can be fetched again.
        if (isMillraceError(error)) throw error;
        await rm(dir, { recursive: true, force: true });
        return clone(signal, source);
      });
      if (!plan.switchesBranch || continues) remoteHead.oid = tree.head;
      return { tree, remoteHead };
    });
  } catch (cause) {
    if (!isMillraceError(cause)) throw cause;
    throw new Fault('GitOperationFailed', `failed to checkout source: ${errorMessage(cause)}`, { cause });
  }
}

async function findPushHead(
  { plan }: DeliveryInput,
  { git }: ImageUpdateAutomationDeps,
  signal: AbortSignal,
): Promise<RemoteHead> {
  const target = pushTarget(plan);
  return { oid: (await listRemoteRefs(git, plan.remote, [target], signal)).get(target)?.oid };
}

async function edit({ spec }: ImageUpdateAutomation, tree: WorkTree, policies: PolicyScope): Promise<AppliedSetters> {
  if (spec.update === undefined || spec.update === null) {
    throw new Fault('InvalidUpdateStrategy', 'no update strategy', { stalled: true });
  }
  if (spec.update.strategy !== undefined && spec.update.strategy !== 'Setters') {
    throw new Fault('InvalidUpdateStrategy', `unsupported update strategy: ${spec.update.strategy}`, { stalled: true });
  }
  try {
    const { refs, known, namespaces } = policies;
    const lint = { policies: known, namespaces };
    return await applySetters(tree.dir, { path: spec.update.path, policies: refs, lint });
  } catch (cause) {
    throw new Fault('UpdateFailed', `failed to apply policies: ${errorMessage(cause)}`, { cause });
  }
}

async function commit(
  { automation, plan, signal, clock }: DeliveryInput,
  { git }: ImageUpdateAutomationDeps,
  tree: WorkTree,
  { changes }: AppliedSetters,
): Promise<Delivery['pushed']> {
  const message = renderCommitMessage(automation, changes, clock.now);
  const { author } = plan.git.commit;
  try {
    const hash = await commitAll(git, tree, {
      signal,
      message,
      author: { name: author.name ?? '', email: author.email },
      time: clock.now(),
      ...(plan.signingKey !== undefined && { signingKey: plan.signingKey }),
    });
    return hash === undefined ? undefined : { commit: hash, message };
  } catch (cause) {
    if (!isMillraceError(cause)) throw cause;
    throw updateFault(cause);
  }
}

/** Pushes the branch, then the refspec. A forced push replaces only the head that was seen. */
async function push(
  input: DeliveryInput,
  { git, gates }: ImageUpdateAutomationDeps,
  tree: WorkTree,
  expected: string | undefined,
): Promise<void> {
  const { plan } = input;
  const force = plan.switchesBranch && gates.gitForcePushBranch;
  await withDeadline(input.signal, plan.timeoutMs, `pushing to '${plan.remote.url}'`, async (signal) => {
    const common = { signal, ...(plan.pushOptions.length > 0 && { pushOptions: plan.pushOptions }) };
    // With a lease and no --force, git overwrites that very head and no other.
    const lease = force ? { expected: expected ?? '' } : {};
    await pushHead(git, plan.remote, tree, { ...common, ...lease, target: pushTarget(plan) });
    if (plan.refspec !== undefined) await pushRefspec(git, plan.remote, tree, plan.refspec, { ...common, force });
  });
}

/** After a lost race: the work tree on the head that won, or on the checkout again where the push branch starts anew. */
async function moveToHead(
  input: DeliveryInput,
  deps: ImageUpdateAutomationDeps,
  tree: WorkTree,
  remoteHead: RemoteHead,
): Promise<void> {
  const { plan, wanted, signal } = input;
  const head = await findPushHead(input, deps, signal);
  remoteHead.oid = head.oid;
  const isGone = head.oid === undefined;
  const startsAnew = plan.switchesBranch && (isGone || !deps.gates.gitAllBranchReferences);
  try {
    await switchWorkTree(deps.git, plan.remote, tree, startsAnew ? wanted.source : pushTarget(plan), signal);
  } catch (cause) {
    if (!isMillraceError(cause)) throw cause;
    throw new Fault('GitOperationFailed', `failed to checkout source: ${errorMessage(cause)}`, { cause });
  }
}

function pushTarget({ pushBranch }: SourcePlan): string {
  return `refs/heads/${pushBranch}`;
}

function updateFault(cause: unknown): unknown {
  if (cause instanceof Fault || !isMillraceError(cause)) return cause;
  const isPush = isMillraceError(cause, 'GIT_PUSH_MOVED', 'GIT_PUSH_REFUSED', 'GIT_AUTH_DENIED', 'GIT_UNREACHABLE');
  const what = isPush ? 'failed to push to remote: ' : '';
  return new Fault('GitOperationFailed', `failed to update source: ${what}${errorMessage(cause)}`, { cause });
}

/** Resolves the checkout reference; asks the remote. */
export async function resolveCheckout(
  plan: SourcePlan,
  { git }: ImageUpdateAutomationDeps,
  signal: AbortSignal,
): Promise<CheckoutRef> {
  try {
    return await withDeadline(signal, plan.timeoutMs, `listing '${plan.remote.url}'`, (deadline) =>
      resolveCheckoutRef(plan.ref, { git, remote: plan.remote, signal: deadline }),
    );
  } catch (cause) {
    if (!isMillraceError(cause)) throw cause;
    throw new Fault('GitOperationFailed', `failed to checkout source: ${errorMessage(cause)}`, { cause });
  }
}
