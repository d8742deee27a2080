import { namespaceAddress, namespaceName } from './git.ts';
import { type Block, block, call, commented, expression, type Value } from './hcl.ts';
import { roleArn, roleReady } from './iam.ts';
import type { TerraformModel } from './model.ts';
import { overlay } from './overlay.ts';

const charts = 'oci://ghcr.io/controlplaneio-fluxcd/charts';

/** Flux by its operator. */
export function fluxFile(model: TerraformModel): Block[] {
  return model.configuration.terraform.install === 'charts' ? releases(model) : bootstrap(model);
}

/** What has to be there before Flux starts: the credential, and the role with its policy. */
function prerequisites(model: TerraformModel): string[] {
  return ['kubernetes_secret_v1.git_auth', ...model.readers.flatMap((reader) => roleReady(model, reader))];
}

/** What delivery objects wait for. */
export function fluxReady({ terraform }: TerraformModel['configuration']): string {
  return terraform.install === 'charts' ? 'helm_release.flux_instance' : 'module.flux_operator_bootstrap';
}

/** The FluxInstance as git will have it, applied once: from then on it is Flux that changes it, and its operator. */
function bootstrap(model: TerraformModel): Block[] {
  const { instance } = instanceValues(model) as { instance: Value };
  return [
    commented(
      'The role annotations are in the instance, so the ServiceAccounts have them before the first pod starts.',
      block('locals', [], {
        flux_instance: {
          apiVersion: 'fluxcd.controlplane.io/v1',
          kind: 'FluxInstance',
          metadata: { name: 'flux', namespace: namespaceName(model.configuration) },
          spec: instance,
        },
      }),
    ),
    commented(
      'A Job installs the operator and creates the instance where it is missing; then both belong to git. The output\nflux_instance_yaml has what to commit there.',
      block('module', ['flux_operator_bootstrap'], {
        source: 'controlplaneio-fluxcd/flux-operator-bootstrap/kubernetes',
        version: '0.8.0',
        revision: expression('var.flux_bootstrap_revision'),
        gitops_resources: {
          instance_yaml: expression('yamlencode(local.flux_instance)'),
          operator_chart: {
            version: expression('var.flux_operator_version'),
            values_yaml: call('yamlencode', { installCRDs: true }),
          },
        },
        depends_on: prerequisites(model).map(expression),
      }),
    ),
  ];
}

/** The operator, then the instance: installed in this order, destroyed in the reverse, so that the finalizer can run. */
function releases(model: TerraformModel): Block[] {
  const { configuration } = model;
  const common = {
    namespace: namespaceName(configuration),
    create_namespace: false,
    repository: charts,
    version: expression('var.flux_operator_version'),
    wait: true,
  };
  const keep = configuration.terraform.handedOver
    ? block('lifecycle', [], { ignore_changes: expression('all') })
    : undefined;
  const before = ['helm_release.flux_operator', ...prerequisites(model)];
  return [
    block(
      'resource',
      ['helm_release', 'flux_operator'],
      {
        name: 'flux-operator',
        chart: 'flux-operator',
        ...common,
        values: [call('yamlencode', { installCRDs: true })],
        depends_on: [expression(namespaceAddress(configuration))],
      },
      [keep],
    ),
    commented(
      'The role annotations are in the values, so the ServiceAccounts have them before the first pod starts. The health check\nwaits until the controllers are ready.',
      block('locals', [], { flux_instance_values: instanceValues(model) as Value }),
    ),
    block(
      'resource',
      ['helm_release', 'flux_instance'],
      {
        name: 'flux',
        chart: 'flux-instance',
        ...common,
        timeout: 600,
        values: [expression('yamlencode(local.flux_instance_values)')],
        depends_on: before.map(expression),
      },
      [keep],
    ),
  ];
}

/** Values of the flux-instance chart; what the configuration adds in `flux.values` is laid over them. */
export function instanceValues(model: TerraformModel): unknown {
  const { flux, git } = model.configuration;
  const own = {
    fullnameOverride: 'flux',
    healthcheck: { enabled: true, timeout: '5m' },
    instance: {
      distribution: {
        version: expression('var.flux_version'),
        registry: expression('var.flux_registry'),
        ...(flux.variant === undefined ? {} : { variant: expression('var.flux_variant') }),
        ...(flux.artifact === undefined ? {} : { artifact: flux.artifact }),
      },
      components: flux.components,
      cluster: { type: 'aws', networkPolicy: true, ...(flux.size === undefined ? {} : { size: flux.size }) },
      sync: {
        kind: 'GitRepository',
        url: expression('var.git_url'),
        ref: expression('var.git_ref'),
        path: expression('var.git_path'),
        pullSecret: expression('kubernetes_secret_v1.git_auth.metadata[0].name'),
        interval: git.interval,
      },
      kustomize: { patches: model.configuration.identity === 'irsa' ? rolePatches(model) : [] },
    },
  };
  return overlay(own, flux.values);
}

function rolePatches(model: TerraformModel) {
  return model.readers.map((reader) => ({
    target: { kind: 'ServiceAccount', name: reader.serviceAccount },
    patch: call('yamlencode', {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: {
        name: reader.serviceAccount,
        annotations: { 'eks.amazonaws.com/role-arn': expression(roleArn(model, reader)) },
      },
    }),
  }));
}
