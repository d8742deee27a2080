import { awsError } from '../aws/aws-error.ts';
import { isAbortError } from '../base/deadline.ts';
import { errorMessage, isMillraceError, MillraceError } from '../base/error.ts';
import { formatRef, type KindRef, type KubeObject } from '../base/kube-object.ts';
import type { KubeClient } from '../kube/client.ts';
import { type AwsClients, planAws } from './apply-aws.ts';
import { planCluster } from './apply-cluster.ts';
import { awsModelOf } from './aws-model.ts';
import { clusterModelOf } from './cluster-model.ts';
import type { Installation } from './installation.ts';
import { planOtherTopology } from './other-topology.ts';
import { type ApplyOptions, type Note, requireNoWidening, type Step } from './plan.ts';

export interface ProvisionTargets extends AwsClients {
  kube: KubeClient;
}

/**
 * What has to be done so that the installation exists: AWS first, because the cluster's annotations name what is made there.
 * Nothing is changed yet; running the steps in order does it, and a second plan is empty.
 */
export async function planProvisioning(
  installation: Installation,
  targets: ProvisionTargets,
  signal: AbortSignal,
  note: Note = () => {},
): Promise<Step[]> {
  const aws = awsModelOf(installation);
  const ofAws = await planAws(aws, targets, signal, note);
  const waiting = new Set((await waitingObjects(installation, targets.kube, signal)).map(formatRef));
  const objects = clusterModelOf(installation, aws).filter((object) => !waiting.has(formatRef(object)));
  const ofCluster = await planCluster(objects, targets.kube, signal);
  const leftover = await planOtherTopology(installation, objects, targets.kube, signal);
  return [...ofAws, ...ofCluster, ...leftover];
}

/** Objects of kinds that neither the cluster knows nor the plan defines: those of Flux, where its operator brings them. */
export async function waitingObjects(
  installation: Installation,
  kube: KubeClient,
  signal: AbortSignal,
): Promise<KubeObject[]> {
  const objects = clusterModelOf(installation, awsModelOf(installation));
  if (objects.some(({ kind }) => kind === 'CustomResourceDefinition')) return [];
  const isServed = async (kind: KindRef) =>
    kube.resourceOf(kind, { signal }).then(
      () => true,
      (error: unknown) => {
        if (isMillraceError(error, 'KUBE_KIND_NOT_SERVED')) return false;
        throw error;
      },
    );
  const waiting: KubeObject[] = [];
  for (const object of objects) if (!(await isServed(object))) waiting.push(object);
  return waiting;
}

/**
 * Carries out a plan, telling about each step before it is done. Throws PROVISION_WIDENS before the first one where a step would
 * make an existing policy allow more and `allowWidening` is not set; PROVISION_STOPPED with the step that failed: what was done
 * before it stays, and the next plan goes on from there.
 */
export async function applyProvisioning(
  steps: readonly Step[],
  onStep: (step: Step) => void,
  options: ApplyOptions = {},
): Promise<void> {
  requireNoWidening(steps, options);
  for (const [index, step] of steps.entries()) {
    onStep(step);
    try {
      await step.run();
    } catch (error) {
      throw stoppedAt(step, index, steps.length, error);
    }
  }
}

function stoppedAt({ action, what }: Step, done: number, all: number, error: unknown): unknown {
  if (isAbortError(error)) return error;
  const explained = isAwsFault(error) ? awsError(error, action, what) : error;
  const hint = explained instanceof MillraceError ? explained.hint : undefined;
  const reason = isAwsFault(error) ? `${error.name}: ${error.message}` : errorMessage(error);
  return new MillraceError('PROVISION_STOPPED', `${action} ${what}: ${reason} (${done} of ${all} steps done)`, {
    cause: error,
    hint: `${hint === undefined ? '' : `${hint} `}What was done stays; run the command again to go on.`,
  });
}

/** Whether an error is an answer of AWS. */
export function isAwsFault(error: unknown): error is Error {
  return error instanceof Error && '$metadata' in error;
}
