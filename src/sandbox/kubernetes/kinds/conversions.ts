import { isRecord, valueAt } from '../../../base/json.ts';
import type { KubeObject } from '../../../base/kube-object.ts';

interface Conversion {
  toStored(object: KubeObject): KubeObject;
  fromStored(object: KubeObject): KubeObject;
}

const unchanged: Conversion = { toStored: (object) => object, fromStored: (object) => object };

const conversions: Readonly<Record<string, Conversion>> = {
  'autoscaling/v1/HorizontalPodAutoscaler': { toStored: autoscalerToV2, fromStored: autoscalerToV1 },
  'events.k8s.io/v1/Event': { toStored: eventToCore, fromStored: eventFromCore },
};

/** How a version of a kind is stored: only two built-in kinds are served in more than one form. */
export function conversionOf(apiVersion: string, kind: string): Conversion {
  return conversions[`${apiVersion}/${kind}`] ?? unchanged;
}

function record(value: unknown): Record<string, unknown> {
  return isRecord(value) ? value : {};
}

function autoscalerToV2(object: KubeObject): KubeObject {
  const { targetCPUUtilizationPercentage, ...spec } = record(object['spec']);
  const { currentCPUUtilizationPercentage, ...status } = record(object['status']);
  return {
    ...object,
    apiVersion: 'autoscaling/v2',
    spec: {
      ...spec,
      ...(targetCPUUtilizationPercentage !== undefined && {
        metrics: [
          {
            type: 'Resource',
            resource: {
              name: 'cpu',
              target: { type: 'Utilization', averageUtilization: targetCPUUtilizationPercentage },
            },
          },
        ],
      }),
    },
    status: {
      desiredReplicas: 0,
      currentMetrics:
        currentCPUUtilizationPercentage === undefined
          ? null
          : [
              {
                type: 'Resource',
                resource: { name: 'cpu', current: { averageUtilization: currentCPUUtilizationPercentage } },
              },
            ],
      ...status,
    },
  };
}

function autoscalerToV1(object: KubeObject): KubeObject {
  const { metrics, behavior: _, ...spec } = record(object['spec']);
  const { currentMetrics: __, conditions: ___, ...status } = record(object['status']);
  const cpu = (Array.isArray(metrics) ? metrics : []).find((metric) => valueAt(metric, 'resource', 'name') === 'cpu');
  const target = valueAt(cpu, 'resource', 'target', 'averageUtilization');
  return {
    ...object,
    apiVersion: 'autoscaling/v1',
    spec: { ...spec, ...(target !== undefined && { targetCPUUtilizationPercentage: target }) },
    status: { currentReplicas: 0, ...status },
  };
}

function eventToCore(object: KubeObject): KubeObject {
  const {
    regarding,
    note,
    reportingController,
    deprecatedSource,
    deprecatedFirstTimestamp,
    deprecatedLastTimestamp,
    deprecatedCount,
    ...rest
  } = object;
  return {
    ...rest,
    apiVersion: 'v1',
    kind: 'Event',
    metadata: object.metadata,
    involvedObject: record(regarding),
    ...(note !== undefined && { message: note }),
    source: record(deprecatedSource),
    firstTimestamp: deprecatedFirstTimestamp ?? null,
    lastTimestamp: deprecatedLastTimestamp ?? null,
    ...(deprecatedCount !== undefined && { count: deprecatedCount }),
    reportingComponent: reportingController ?? '',
    reportingInstance: object['reportingInstance'] ?? '',
  };
}

function eventFromCore(object: KubeObject): KubeObject {
  const { involvedObject, message, source, firstTimestamp, lastTimestamp, count, reportingComponent, ...rest } = object;
  return {
    ...rest,
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: object.metadata,
    regarding: record(involvedObject),
    ...(message !== undefined && { note: message }),
    deprecatedSource: record(source),
    deprecatedFirstTimestamp: firstTimestamp ?? null,
    deprecatedLastTimestamp: lastTimestamp ?? null,
    ...(count !== undefined && { deprecatedCount: count }),
    ...(reportingComponent !== '' && { reportingController: reportingComponent }),
  };
}
