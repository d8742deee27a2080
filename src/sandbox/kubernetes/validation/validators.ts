import { builtinKind } from '../../../api/builtin/builtin-kinds.ts';
import { coreRules } from './core.ts';
import { label1035Fault, labelFault, pathSegmentFault, subdomainFault } from './formats.ts';
import { metadataFaults, metadataUpdateFaults, type NameRule } from './metadata.ts';
import { otherRules } from './other-groups.ts';
import type { KindRules, Validator } from './rules.ts';
import { workloadRules } from './workloads.ts';

const rules: Readonly<Record<string, KindRules>> = { ...coreRules, ...workloadRules, ...otherRules };

const nameRules: Readonly<Record<string, NameRule>> = {
  Namespace: labelFault,
  Service: label1035Fault,
  Role: pathSegmentFault,
  ClusterRole: pathSegmentFault,
  RoleBinding: pathSegmentFault,
  ClusterRoleBinding: pathSegmentFault,
};

/** The checks of a built-in kind. */
export function validatorOf(apiVersion: string, kind: string): Validator {
  const namespaced = builtinKind(apiVersion, kind)?.namespaced ?? false;
  const nameRule = nameRules[kind] ?? subdomainFault;
  const own = rules[`${apiVersion}/${kind}`];
  return {
    create: (object) => [...metadataFaults(object, namespaced, nameRule), ...(own?.create?.(object) ?? [])],
    update: (object, old) => [...metadataUpdateFaults(object, old), ...(own?.update?.(object, old) ?? [])],
  };
}
