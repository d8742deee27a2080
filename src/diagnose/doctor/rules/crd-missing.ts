import { because, type Report, type Rule } from '../rule.ts';

export const crdMissing: Rule = {
  code: 'crd-missing',
  cause: 'The kind is not served: its CRD, or the component that brings it, is not installed.',
  fix: 'Install the component first and let what uses it depend on it (dependsOn).',
  commands: ['kubectl api-resources | grep -i $KIND'],
  says: [
    [/the server doesn't have a resource type/i, 0.88],
    [
      /failed to find API group|no kind "[^"]+" is registered for version|no kind match|kind is a CRD, it should be installed|no \w+ CRDs found/i,
      0.9,
    ],
    [/customresourcedefinitions\.apiextensions\.k8s\.io "[^"]+" not found/i, 0.92],
    [/no matches for kind "[^"]+" in version/i, 0.9],
    [/resource mapping not found/i, 0.85],
    [/the server could not find the requested resource/i, 0.75],
    [/could not find the requested resource|CRDs? (is|are) not installed/i, 0.8],
  ],
  weigh,
  shows: (facts) => (facts['crds_installed'] === false ? 'the CRD is not installed' : undefined),
  examples: [
    { symptom: 'no matches for kind "Certificate" in version "cert-manager.io/v1"', found: true },
    { symptom: 'no matches for kind "PodDisruptionBudget" in version "policy/v1beta1"', found: false },
  ],
};

function weigh(confidence: number, { symptom, facts }: Report) {
  if (facts['crds_installed'] === false) return because(0.96, 'the CRD is not installed');
  return because(isRemovedBuiltIn(symptom) ? 0.5 : confidence);
}

/** A version of a built-in group that Kubernetes has stopped serving: the kind is there, in another version. */
export function isRemovedBuiltIn(symptom: string): boolean {
  return /in version "(policy|batch|apps|extensions|autoscaling|networking\.k8s\.io|rbac\.authorization\.k8s\.io|apiextensions\.k8s\.io|admissionregistration\.k8s\.io|storage\.k8s\.io|flowcontrol\.apiserver\.k8s\.io|scheduling\.k8s\.io|coordination\.k8s\.io|discovery\.k8s\.io)\/v\d+(alpha|beta)\d+"/i.test(
    symptom,
  );
}
