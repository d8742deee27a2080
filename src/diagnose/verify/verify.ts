import type { KubeClient } from '../../kube/client.ts';
import type { Gap } from '../collect/reader.ts';
import { type CheckedItem, runChecks } from './check.ts';
import { ecrChecks } from './ecr-checks.ts';
import { identityChecks } from './identity-checks.ts';
import { objectChecks } from './object-checks.ts';
import { openScene, type VerifyOptions } from './scene.ts';
import { surroundingsChecks } from './surroundings-checks.ts';
import { tokenChecks } from './token-checks.ts';
import type { VerifyTools } from './tools.ts';

/** What verifying a chain found out. */
export interface Verification {
  namespace: string;
  checks: CheckedItem[];
  /** What of the cluster could not be read. */
  gaps: Gap[];
}

/** The chain in its order: identity, token, AWS, registry, objects, surroundings. */
const checks = [...identityChecks, ...tokenChecks, ...ecrChecks, ...objectChecks, ...surroundingsChecks].toSorted(
  (a, b) => a.number - b.number,
);

/**
 * Runs the checklist of spec/provisioning.md §12 against a live installation, genuine Flux or Millrace. Changes nothing; what
 * cannot be looked at is `unknown`, with what is missing to look.
 */
export async function verifyChain(
  client: KubeClient,
  tools: VerifyTools,
  options: VerifyOptions,
): Promise<Verification> {
  const scene = await openScene(client, tools, options);
  const items = await runChecks(checks, scene, options.signal);
  return { namespace: scene.namespace, checks: items, gaps: scene.reader.gaps };
}
