import { text } from '../facts.ts';
import { because, type Report, type Rule } from '../rule.ts';

export const kustomizeBuildInvalid: Rule = {
  code: 'kustomize-build-invalid',
  cause: 'The input of the build is wrong: duplicate objects, YAML that does not parse, a patch without a target.',
  fix: 'Build the folder on your machine; the message names the file.',
  commands: ['millrace build $PATH'],
  says: [
    [/field not declared in schema|strict decoding error|unknown field "/i, 0.7],
    [/already registered id/i, 0.96],
    [/MalformedYAMLError|yaml: line \d+|error converting YAML to JSON/i, 0.93],
    [/failed to find unique target|no matches for Id|no resource matches|unable to find patch target/i, 0.94],
    [/failed to decode Kubernetes (YAML|apiVersion)/i, 0.95],
    [/missing Resource metadata|missing metadata\.name|Object 'Kind' is missing/i, 0.94],
    [/invalid Kustomization|json: unknown field|unmarshal(ing)? (error|errors)/i, 0.9],
    [/kustomization\.yaml is empty/i, 0.9],
    [
      /cannot unmarshal \w+ into Go struct|`selector` does not match template `labels`|is invalid: [\w.[\]]+: Required value|Object 'apiVersion' is missing/i,
      0.85,
    ],
    [
      /(add|replace|remove|copy|move|test) operation does not apply|doc is missing (path|key)|parse SM or JSON patch|wrong Node Kind/i,
      0.93,
    ],
    [
      /resource name may not be empty|error validating data|ValidationError\(|missing required field "|must consist of lower case alphanumeric/i,
      0.88,
    ],
    [/id matched \d+ resources|multiple matches for Id/i, 0.93],
    [/cycle detected: candidate root|security; file '[^']*' is not in or below|duplicate entries for key/i, 0.93],
    [/\bis invalid: [\w.[\]]+: (Invalid|Unsupported|Duplicate) value/i, 0.5],
    [/kustomize build failed/i, 0.6],
  ],
  weigh,
  shows: (facts) => {
    const id = text(facts, 'duplicate_id');
    return id === undefined ? undefined : `${id} is there twice`;
  },
  examples: [
    { symptom: 'may not add resource with an already registered id: Secret.v1/x', found: true },
    { symptom: 'kustomize build failed: accumulating resources: open x: no such file or directory', found: false },
  ],
};

function weigh(confidence: number, { symptom }: Report) {
  return because(/decryption failed|sops/i.test(symptom) ? 0.3 : confidence);
}
