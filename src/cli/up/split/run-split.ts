import type { KubeClient } from '../../../kube/client.ts';
import { installedControllers } from '../../../provision/controller-objects.ts';
import type { Sandbox } from '../../../sandbox/sandbox.ts';
import { version } from '../../../version.ts';
import type { CliContext } from '../../context.ts';
import type { ControllersProcess } from '../controllers.ts';
import { ImageStore } from '../images.ts';
import type { RunControllersOptions } from '../run-controllers.ts';
import { splitDeployments } from './deployments.ts';
import { runPods } from './pod-processes.ts';
import { storageArgument } from './storage-address.ts';

const fieldManager = 'millrace-up';
/** ECR repository of the sandbox that the controllers' pods name as their image. */
const imageRepository = 'millrace';

/** Four Deployments, and a process for each pod that the cluster makes of them. */
export async function runSplit(
  sandbox: Sandbox,
  kube: KubeClient,
  options: RunControllersOptions,
  context: CliContext,
): Promise<ControllersProcess> {
  const { dataDir, namespace } = options;
  const { signal } = context;
  const images = new ImageStore(sandbox.access, imageRepository);
  try {
    await images.ensureRepository(signal);
    if (!(await images.tags(signal)).includes(version)) await images.push(version, signal);
  } finally {
    images.close();
  }
  const image = `${sandbox.access.registry.host}/${imageRepository}:${version}`;
  const storage = await storageArgument(kube, namespace, signal);
  for (const deployment of splitDeployments(sandbox.access, { ...options, image, storage }))
    await kube.apply(deployment, { fieldManager, force: true, signal });
  return runPods({ kubernetes: sandbox.kubernetes, kube, namespace, dataDir }, context);
}

/** Takes the Deployments away that an earlier start of the folder has left. */
export async function removeSplit(kube: KubeClient, namespace: string, signal: AbortSignal): Promise<void> {
  for (const name of installedControllers)
    await kube.delete({ apiVersion: 'apps/v1', kind: 'Deployment', namespace, name }, { signal });
}
