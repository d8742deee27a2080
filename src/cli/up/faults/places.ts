import { CreatePolicyVersionCommand, UpdateAssumeRolePolicyCommand } from '@aws-sdk/client-iam';
import type { KubeObject, ObjectRef } from '../../../base/kube-object.ts';
import type { PolicyDocument, PolicyStatement } from '../../../iam/policy-document.ts';
import { demoNames } from '../demo-names.ts';
import { fleetNames } from '../fleet.ts';
import type { FaultSite, Files } from './fault.ts';

/** Files of the fleet by what they are. */
export const fleetPaths = {
  sync: 'clusters/sandbox/flux-system/gotk-sync.yaml',
  apps: 'clusters/sandbox/apps.yaml',
  images: 'clusters/sandbox/images.yaml',
  kustomization: 'apps/mainapp/kustomization.yaml',
  deployment: 'apps/mainapp/deployment.yaml',
} as const;

const { namespace, gitSecret } = demoNames;
const inSystem = (apiVersion: string, kind: string, name: string) => ({ apiVersion, kind, namespace, name });

/** Objects of the installation. */
export const objects = {
  scanner: inSystem('v1', 'ServiceAccount', 'image-reflector-controller'),
  gitSecret: inSystem('v1', 'Secret', gitSecret),
  gitRepository: inSystem('source.toolkit.fluxcd.io/v1', 'GitRepository', namespace),
  apps: inSystem('kustomize.toolkit.fluxcd.io/v1', 'Kustomization', fleetNames.appsKustomization),
} as const;

/** Writes `to` for `from` in one file; a fault that finds nothing to break is a bug of ours. */
export function inFile(files: Files, path: string, from: string | RegExp, to: string): Files {
  const before = files[path] ?? '';
  // As text `to` is taken as it is; beside a pattern it may name groups.
  const after = typeof from === 'string' ? before.replace(from, () => to) : before.replace(from, to);
  if (after === before) throw new Error(`nothing to break in ${path}`);
  return { ...files, [path]: after };
}

/** Adds a file to the application and lists it in its kustomization.yaml. */
export function addToApp(files: Files, name: string, text: string): Files {
  const listed = inFile(files, fleetPaths.kustomization, 'resources:\n', `resources:\n  - ${name}\n`);
  return { ...listed, [`apps/mainapp/${name}`]: text };
}

/** Adds fields to the spec of the application's Kustomization; `yaml` is indented by two. */
export function inAppsSpec(files: Files, yaml: string): Files {
  return inFile(files, fleetPaths.apps, 'spec:\n', `spec:\n${yaml}`);
}

/** Changes the statements of the scanner's ECR policy, as a new default version. */
export async function changePolicy(site: FaultSite, change: (statements: PolicyStatement[]) => unknown): Promise<void> {
  const document: PolicyDocument = structuredClone(site.model.policy.document);
  change(document.Statement as PolicyStatement[]);
  const input = { PolicyArn: site.model.policy.arn, PolicyDocument: JSON.stringify(document), SetAsDefault: true };
  await site.iam.send(new CreatePolicyVersionCommand(input));
}

/** Writes `to` for `from` in the trust policy of the scanner's role. */
export async function changeTrust({ iam, model }: FaultSite, from: string, to: string): Promise<void> {
  const PolicyDocument = JSON.stringify(model.role.trust).replaceAll(from, to);
  await iam.send(new UpdateAssumeRolePolicyCommand({ RoleName: model.role.name, PolicyDocument }));
}

/** A merge patch on one object. */
export function patch(
  { kube, signal }: Pick<FaultSite, 'kube' | 'signal'>,
  ref: ObjectRef,
  body: unknown,
): Promise<KubeObject> {
  return kube.patch(ref, 'merge', body, { signal });
}

/** Creates objects that the cluster has from elsewhere. */
export async function create({ kube, signal }: FaultSite, ...all: KubeObject[]): Promise<void> {
  for (const object of all) await kube.create(object, { signal });
}

export const base64 = (text: string) => Buffer.from(text).toString('base64');
