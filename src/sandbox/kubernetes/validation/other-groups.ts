import { deepEqual, valueAt } from '../../../base/json.ts';
import type { KubeObject } from '../../../base/kube-object.ts';
import { type Fields, items, struct } from '../defaults/fields.ts';
import {
  duplicate,
  type FieldError,
  forbiddenField,
  invalidValue,
  required,
  unsupported,
} from '../errors/field-error.ts';
import { labelFault, subdomainFault } from './formats.ts';
import { notNegative, oneOf } from './pod-spec.ts';
import type { KindRules } from './rules.ts';
import { labelSelectorFaults } from './workloads.ts';

function ingressFaults(object: KubeObject): FieldError[] {
  const spec = struct(object, 'spec') ?? {};
  const rules = items(spec, 'rules');
  const faults: FieldError[] = [];
  if (rules.length === 0 && spec['defaultBackend'] === undefined) {
    faults.push(invalidValue('spec', rules, 'either `defaultBackend` or `rules` must be specified'));
  }
  faults.push(...backendFaults(struct(spec, 'defaultBackend'), 'spec.defaultBackend'));
  rules.forEach((rule, index) => {
    const at = `spec.rules[${index}]`;
    const host = String(rule['host'] ?? '').replace(/^\*\./, '');
    const fault = host === '' ? undefined : subdomainFault(host);
    if (fault !== undefined) faults.push(invalidValue(`${at}.host`, rule['host'], fault));
    const http = struct(rule, 'http');
    if (http !== undefined && items(http, 'paths').length === 0) faults.push(required(`${at}.http.paths`));
    faults.push(...items(http, 'paths').flatMap((path, number) => pathFaults(path, `${at}.http.paths[${number}]`)));
  });
  return faults;
}

const pathTypes = ['Exact', 'ImplementationSpecific', 'Prefix'];

function pathFaults(path: Fields, at: string): FieldError[] {
  const faults: FieldError[] = [];
  const type = path['pathType'];
  const text = String(path['path'] ?? '');
  if (type === undefined) faults.push(required(`${at}.pathType`, 'pathType must be specified'));
  else if (!pathTypes.includes(String(type))) faults.push(unsupported(`${at}.pathType`, type, pathTypes));
  else if ((type !== 'ImplementationSpecific' || text !== '') && !text.startsWith('/')) {
    faults.push(invalidValue(`${at}.path`, text, 'must be an absolute path'));
  }
  return [...faults, ...backendFaults(struct(path, 'backend'), `${at}.backend`)];
}

function backendFaults(backend: Fields | undefined, at: string): FieldError[] {
  if (backend === undefined) return [];
  const service = struct(backend, 'service');
  if (backend['resource'] !== undefined) {
    return service === undefined ? [] : [invalidValue(at, '', 'cannot set both resource and service backends')];
  }
  if (service === undefined) return [required(at, 'resource or service backend is required')];
  const faults: FieldError[] = [];
  if (!service['name']) faults.push(required(`${at}.service.name`));
  const port = struct(service, 'port');
  if (!port?.['name'] && !port?.['number'])
    faults.push(required(`${at}.service.port`, 'port name or number is required'));
  if (port?.['name'] && port?.['number'])
    faults.push(invalidValue(`${at}.service.port`, '', 'cannot set both port name & port number'));
  return faults;
}

function autoscalerFaults(object: KubeObject): FieldError[] {
  const spec = struct(object, 'spec') ?? {};
  const faults: FieldError[] = [];
  const [least, most] = [Number(spec['minReplicas'] ?? 1), Number(spec['maxReplicas'] ?? 0)];
  if (least < 1) faults.push(invalidValue('spec.minReplicas', least, 'must be greater than or equal to 1'));
  if (most < 1) faults.push(invalidValue('spec.maxReplicas', most, 'must be greater than 0'));
  if (most < least)
    faults.push(invalidValue('spec.maxReplicas', most, 'must be greater than or equal to `minReplicas`'));
  for (const field of ['kind', 'name']) {
    if (!valueAt(spec, 'scaleTargetRef', field)) faults.push(required(`spec.scaleTargetRef.${field}`));
  }
  return faults;
}

function budgetFaults(object: KubeObject): FieldError[] {
  const spec = struct(object, 'spec') ?? {};
  const faults: FieldError[] = [];
  if (spec['minAvailable'] !== undefined && spec['maxUnavailable'] !== undefined) {
    faults.push(invalidValue('spec', spec, 'minAvailable and maxUnavailable cannot be both set'));
  }
  for (const field of ['minAvailable', 'maxUnavailable']) {
    const value = spec[field];
    notNegative(faults, `spec.${field}`, value);
    if (typeof value === 'string' && !/^\d+%$/.test(value)) {
      const detail =
        "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";
      faults.push(invalidValue(`spec.${field}`, value, detail));
    }
  }
  return [...faults, ...labelSelectorFaults(struct(spec, 'selector'), 'spec.selector')];
}

function roleFaults(object: KubeObject): FieldError[] {
  const cluster = object.kind === 'ClusterRole';
  return items(object, 'rules').flatMap((rule, index) => {
    const at = `rules[${index}]`;
    const faults: FieldError[] = [];
    const count = (field: string) => (Array.isArray(rule[field]) ? rule[field].length : 0);
    if (count('verbs') === 0) faults.push(required(`${at}.verbs`, 'verbs must contain at least one value'));
    if (count('nonResourceURLs') > 0) {
      if (!cluster)
        faults.push(
          invalidValue(
            `${at}.nonResourceURLs`,
            rule['nonResourceURLs'],
            'namespaced rules cannot apply to non-resource URLs',
          ),
        );
      if (count('apiGroups') + count('resources') + count('resourceNames') > 0) {
        faults.push(
          invalidValue(
            `${at}.nonResourceURLs`,
            rule['nonResourceURLs'],
            'rules cannot apply to both regular resources and non-resource URLs',
          ),
        );
      }
      return faults;
    }
    if (count('apiGroups') === 0)
      faults.push(required(`${at}.apiGroups`, 'resource rules must supply at least one api group'));
    if (count('resources') === 0)
      faults.push(required(`${at}.resources`, 'resource rules must supply at least one resource'));
    return faults;
  });
}

function bindingFaults(object: KubeObject): FieldError[] {
  const faults: FieldError[] = [];
  const ref = struct(object, 'roleRef') ?? {};
  const kinds = object.kind === 'ClusterRoleBinding' ? ['ClusterRole'] : ['Role', 'ClusterRole'];
  if (ref['apiGroup'] !== 'rbac.authorization.k8s.io') {
    faults.push(unsupported('roleRef.apiGroup', ref['apiGroup'], ['rbac.authorization.k8s.io']));
  }
  if (!kinds.includes(String(ref['kind']))) faults.push(unsupported('roleRef.kind', ref['kind'], kinds));
  if (!ref['name']) faults.push(required('roleRef.name'));
  items(object, 'subjects').forEach((subject, index) => {
    const at = `subjects[${index}]`;
    if (!subject['name']) faults.push(required(`${at}.name`));
    oneOf(faults, `${at}.kind`, subject['kind'], ['ServiceAccount', 'User', 'Group']);
    if (subject['kind'] === 'ServiceAccount' && !subject['namespace'] && object.kind === 'ClusterRoleBinding') {
      faults.push(required(`${at}.namespace`));
    }
  });
  return faults;
}

function bindingUpdateFaults(object: KubeObject, old: KubeObject): FieldError[] {
  return deepEqual(object['roleRef'], old['roleRef'])
    ? []
    : [invalidValue('roleRef', object['roleRef'], 'cannot change roleRef')];
}

function definitionFaults(object: KubeObject): FieldError[] {
  const spec = struct(object, 'spec') ?? {};
  const names = struct(spec, 'names') ?? {};
  const faults: FieldError[] = [];
  const wanted = `${String(names['plural'])}.${String(spec['group'])}`;
  if (object.metadata.name !== wanted) {
    faults.push(invalidValue('metadata.name', object.metadata.name, 'must be spec.names.plural+"."+spec.group'));
  }
  if (!spec['group']) faults.push(required('spec.group'));
  else if (!String(spec['group']).includes('.'))
    faults.push(invalidValue('spec.group', spec['group'], 'should be a domain with at least one dot'));
  if (!['Cluster', 'Namespaced'].includes(String(spec['scope'])))
    faults.push(unsupported('spec.scope', spec['scope'], ['Cluster', 'Namespaced']));
  for (const field of ['plural', 'singular', 'kind', 'listKind']) {
    const value = String(names[field] ?? '');
    if (value === '') faults.push(required(`spec.names.${field}`));
    else {
      const fault = labelFault(value.toLowerCase());
      if (fault !== undefined) faults.push(invalidValue(`spec.names.${field}`, value, fault));
    }
  }
  return [...faults, ...versionFaults(items(spec, 'versions'))];
}

function versionFaults(versions: readonly Fields[]): FieldError[] {
  const faults: FieldError[] = [];
  const seen = new Set<string>();
  versions.forEach((version, index) => {
    const at = `spec.versions[${index}]`;
    const name = String(version['name'] ?? '');
    if (seen.has(name)) faults.push(duplicate(`${at}.name`, name));
    seen.add(name);
    const schema = struct(version, 'schema', 'openAPIV3Schema');
    if (schema === undefined) faults.push(required(`${at}.schema.openAPIV3Schema`, 'schemas are required'));
    else {
      if (schema['type'] !== 'object')
        faults.push(
          schema['type'] === undefined
            ? required(`${at}.schema.openAPIV3Schema.type`, 'must not be empty at the root')
            : invalidValue(`${at}.schema.openAPIV3Schema.type`, schema['type'], 'must be object at the root'),
        );
      faults.push(...structureFaults(schema, `${at}.schema.openAPIV3Schema`));
    }
  });
  if (versions.filter(({ storage }) => storage === true).length !== 1) {
    faults.push(invalidValue('spec.versions', versions, 'must have exactly one version marked as storage version'));
  }
  return faults;
}

/** A schema is structural when every node has a type, or says why it has none. */
function structureFaults(schema: Fields, at: string): FieldError[] {
  const faults: FieldError[] = [];
  const open = schema['x-kubernetes-preserve-unknown-fields'] === true || schema['x-kubernetes-int-or-string'] === true;
  if (schema['type'] === undefined && !open && at.includes('.properties')) {
    faults.push(required(`${at}.type`, 'must not be empty for specified object fields'));
  }
  if (schema['type'] === 'array' && schema['items'] === undefined)
    faults.push(required(`${at}.items`, 'must be specified'));
  if (schema['properties'] !== undefined && schema['additionalProperties'] !== undefined) {
    faults.push(
      forbiddenField(`${at}.additionalProperties`, 'additionalProperties and properties are mutual exclusive'),
    );
  }
  for (const [name, child] of Object.entries(struct(schema, 'properties') ?? {})) {
    faults.push(...structureFaults(child as Fields, `${at}.properties[${name}]`));
  }
  const inner = struct(schema, 'items');
  return inner === undefined ? faults : [...faults, ...structureFaults(inner, `${at}.items`)];
}

function priorityClassUpdateFaults(object: KubeObject, old: KubeObject): FieldError[] {
  return object['value'] === old['value'] ? [] : [forbiddenField('value', 'may not be changed in an update.')];
}

function storageClassFaults(object: KubeObject): FieldError[] {
  return object['provisioner'] ? [] : [required('provisioner')];
}

function endpointSliceFaults(object: KubeObject): FieldError[] {
  return object['addressType'] ? [] : [required('addressType')];
}

const role: KindRules = { create: roleFaults };
const binding: KindRules = { create: bindingFaults, update: bindingUpdateFaults };

export const otherRules: Readonly<Record<string, KindRules>> = {
  'networking.k8s.io/v1/Ingress': { create: ingressFaults },
  'autoscaling/v2/HorizontalPodAutoscaler': { create: autoscalerFaults },
  'autoscaling/v1/HorizontalPodAutoscaler': { create: autoscalerFaults },
  'policy/v1/PodDisruptionBudget': { create: budgetFaults },
  'rbac.authorization.k8s.io/v1/Role': role,
  'rbac.authorization.k8s.io/v1/ClusterRole': role,
  'rbac.authorization.k8s.io/v1/RoleBinding': binding,
  'rbac.authorization.k8s.io/v1/ClusterRoleBinding': binding,
  'apiextensions.k8s.io/v1/CustomResourceDefinition': { create: definitionFaults },
  'scheduling.k8s.io/v1/PriorityClass': { update: priorityClassUpdateFaults },
  'storage.k8s.io/v1/StorageClass': { create: storageClassFaults },
  'discovery.k8s.io/v1/EndpointSlice': { create: endpointSliceFaults },
};
