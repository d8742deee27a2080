import { Gauge, type Registry } from 'prom-client';
import { instanceGroup } from '../../../api/flux-instance.ts';
import { textAt, valueAt } from '../../../base/json.ts';
import { type KubeObject, keyOf } from '../../../base/kube-object.ts';
import { type Conditioned, getCondition } from '../../../runtime/conditions.ts';
import { readyOf, revisionOf, sourceOf } from '../../../runtime/resource-info.ts';
import { isDisabled } from '../annotations.ts';

const common = ['uid', 'kind', 'name', 'exported_namespace', 'ready', 'reason', 'suspended', 'revision'] as const;

/** The gauges of the Flux Operator (spec/instance.md §9): 1 for each object, what is told being in the labels. */
export interface ReportMetrics {
  /** Replaces what was told of the objects before. */
  report(objects: readonly KubeObject[]): void;
}

export function createReportMetrics(
  registry: Registry,
  operator: { version: string; platform: string },
): ReportMetrics {
  const registers = [registry];
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Gauge({ name, help, labelNames, registers });
  gauge('flux_operator_info', 'The version of the operator.', ['version', 'api_version', 'platform']).set(
    { ...operator, api_version: `${instanceGroup}/v1` },
    1,
  );
  const instances = gauge('flux_instance_info', 'The current state of a FluxInstance.', [...common, 'registry']);
  const resources = gauge('flux_resource_info', 'The current state of a Flux resource.', [
    ...common,
    'source_name',
    'url',
    'ref',
    'path',
  ]);
  return {
    report(objects) {
      instances.reset();
      resources.reset();
      for (const object of objects) {
        if (object.kind === 'FluxInstance') instances.set(given({ ...commonOf(object), ...instanceOf(object) }), 1);
        else resources.set(given({ ...commonOf(object), ...resourceOf(object) }), 1);
      }
    },
  };
}

type Labels = Record<string, string | undefined>;

function given(labels: Labels): Record<string, string> {
  return Object.fromEntries(
    Object.entries(labels).filter((label): label is [string, string] => label[1] !== undefined),
  );
}

function commonOf(object: KubeObject): Labels {
  const { namespace, name } = keyOf(object);
  return {
    uid: object.metadata.uid,
    kind: object.kind,
    name,
    exported_namespace: namespace,
    ready: readyOf(object),
    reason: getCondition(object as Conditioned, 'Ready')?.reason,
    suspended: isSuspended(object) ? 'True' : 'False',
    revision: revisionOf(object),
  };
}

function instanceOf(object: KubeObject): Labels {
  return { registry: textAt(object, 'spec', 'distribution', 'registry') };
}

function resourceOf(object: KubeObject): Labels {
  const ref = valueAt(object, 'spec', 'ref');
  const named = ['name', 'branch', 'tag', 'semver', 'digest', 'commit'].map((field) => textAt(ref, field));
  return {
    source_name: sourceOf(object),
    url: textAt(object, 'spec', 'url') ?? textAt(object, 'spec', 'image') ?? textAt(object, 'spec', 'endpoint'),
    ref: named.find((name) => name !== undefined),
    path: textAt(object, 'spec', 'path'),
  };
}

/** Suspended in Flux's way, or in the operator's. */
export function isSuspended(object: KubeObject): boolean {
  return isDisabled(object) || valueAt(object, 'spec', 'suspend') === true;
}
