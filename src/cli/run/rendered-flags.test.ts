import { Command } from 'commander';
import { expect, test } from 'vitest';
import type { FluxInstance } from '../../api/flux-instance.ts';
import { listAt } from '../../base/json.ts';
import { renderInstance } from '../../controllers/flux-instance/render/render.ts';
import { servedComponents, settingsOf } from '../../controllers/flux-instance/settings.ts';
import { addKubeOptions } from '../kube-options.ts';
import { addRunOptions } from './flags.ts';
import { parseRunOptions } from './options.ts';

/** As `millrace run` reads them in a pod; throws for flags that it does not know. */
function parse(args: string[]) {
  const [verb, ...flags] = args;
  expect(verb).toBe('run');
  const command = addRunOptions(addKubeOptions(new Command('run'))).exitOverride();
  command.configureOutput({ writeErr: () => {} }).parse(flags, { from: 'user' });
  return parseRunOptions(command.opts(), {}, true);
}

const lockDown = {
  multitenant: true,
  tenantDefaultServiceAccount: 'tenant',
  objectLevelWorkloadIdentity: true,
  multitenantWorkloadIdentity: true,
  tenantDefaultDecryptionServiceAccount: 'keys',
  tenantDefaultKubeConfigServiceAccount: 'remote',
};

test.each([
  ['', {}],
  ['small', {}],
  ['medium', { multitenant: true }],
  ['large', lockDown],
])("what a FluxInstance of size '%s' with %j renders, `run` understands", (size, cluster) => {
  const object = {
    apiVersion: 'fluxcd.controlplane.io/v1',
    kind: 'FluxInstance',
    metadata: { name: 'flux', namespace: 'flux-system' },
    spec: {
      distribution: { version: '2.x', registry: 'r.io' },
      components: [...servedComponents],
      cluster: { ...cluster, size },
      sharding: { shards: ['a'] },
    },
  } as unknown as FluxInstance;
  const deployments = renderInstance(settingsOf(object), 'r.io/m:1').objects.filter(
    ({ kind }) => kind === 'Deployment',
  );
  expect(deployments).toHaveLength(8);
  for (const deployment of deployments) {
    const args = listAt(listAt(deployment, 'spec', 'template', 'spec', 'containers')[0], 'args').map(String);
    const { metadata } = deployment;
    const options = parse(args);
    expect(options.controllers).toEqual([metadata.name.replace(/-a$/, '')]);
    expect(options).toMatchObject({ leaderElection: true, takeOver: true, namespace: 'flux-system' });
    const isShard = metadata.name.endsWith('-a');
    expect(options.watchLabelSelector).toBe(isShard ? 'sharding.fluxcd.io/key=a' : '!sharding.fluxcd.io/key');
    if (cluster === lockDown && metadata.name.startsWith('kustomize')) {
      expect(options).toMatchObject({
        concurrent: 20,
        requeueDependencyMs: 5000,
        noCrossNamespaceRefs: true,
        remoteBases: false,
        defaultServiceAccount: 'tenant',
        defaultDecryptionServiceAccount: 'keys',
        defaultKubeconfigServiceAccount: 'remote',
      });
      expect(options.featureGates.get('ObjectLevelWorkloadIdentity')).toBe(true);
    }
  }
});
