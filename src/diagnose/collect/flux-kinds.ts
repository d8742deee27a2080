/** The kinds of Flux that can be in trouble, the versions they may be served in (newest first), and who reconciles them. */
export interface FluxKind {
  kind: string;
  group: string;
  versions: readonly string[];
  controller: string;
}

const source = {
  group: 'source.toolkit.fluxcd.io',
  versions: ['v1', 'v1beta2', 'v1beta1'],
  controller: 'source-controller',
};
const reflector = {
  group: 'image.toolkit.fluxcd.io',
  versions: ['v1', 'v1beta2', 'v1beta1'],
  controller: 'image-reflector-controller',
};

export const fluxKinds: readonly FluxKind[] = [
  { kind: 'ImageRepository', ...reflector },
  { kind: 'ImagePolicy', ...reflector },
  { kind: 'ImageUpdateAutomation', ...reflector, controller: 'image-automation-controller' },
  { kind: 'GitRepository', ...source },
  { kind: 'OCIRepository', ...source },
  { kind: 'Bucket', ...source },
  { kind: 'HelmRepository', ...source },
  { kind: 'HelmChart', ...source },
  {
    kind: 'Kustomization',
    group: 'kustomize.toolkit.fluxcd.io',
    versions: ['v1', 'v1beta2'],
    controller: 'kustomize-controller',
  },
  {
    kind: 'HelmRelease',
    group: 'helm.toolkit.fluxcd.io',
    versions: ['v2', 'v2beta2', 'v2beta1'],
    controller: 'helm-controller',
  },
  { kind: 'FluxInstance', group: 'fluxcd.controlplane.io', versions: ['v1'], controller: 'flux-operator' },
];
