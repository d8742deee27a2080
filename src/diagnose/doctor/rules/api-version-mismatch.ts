import { because, type Report, type Rule } from '../rule.ts';
import { isRemovedBuiltIn } from './crd-missing.ts';

export const apiVersionMismatch: Rule = {
  code: 'api-version-mismatch',
  cause: 'The manifest, or what is stored in the cluster, uses an API version that is no longer served.',
  fix: 'Move the manifests to the served version; for a CRD migrate the stored objects before the old version is dropped.',
  commands: ['kubectl get crd $CRD -o jsonpath="{.status.storedVersions}"', 'flux migrate'],
  says: [
    [/must appear in spec\.versions/i, 0.96],
    [/no matches for kind "[^"]+" in version/i, 0],
    [/no longer served|removed (API )?version|the API version .{0,60}(is not|not supported)/i, 0.85],
    [/storedVersions/i, 0.9],
    [/request to convert CR from an invalid group\/version/i, 0.93],
  ],
  weigh,
  examples: [
    { symptom: 'status.storedVersions[0]: Invalid value: "v1beta2": must appear in spec.versions', found: true },
    { symptom: 'no matches for kind "Ingress" in version "networking.k8s.io/v1beta1"', found: true },
    { symptom: 'no matches for kind "Foo" in version "example.com/v1"', found: false },
  ],
};

function weigh(confidence: number, { symptom, facts }: Report) {
  if (facts['crds_installed'] === false) return because(Math.min(confidence, 0.4));
  if (isRemovedBuiltIn(symptom)) return because(0.95, 'Kubernetes has dropped this version of a built-in kind');
  const isOldFlux = /in version "\w+\.toolkit\.fluxcd\.io\/v\d+(alpha|beta)\d+"/i.test(symptom);
  if (isOldFlux) return because(0.92, 'Flux has dropped this version of its kind');
  return because(confidence);
}
