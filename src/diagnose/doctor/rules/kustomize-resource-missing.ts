import { text } from '../facts.ts';
import { because, type Report, type Rule } from '../rule.ts';

export const kustomizeResourceMissing: Rule = {
  code: 'kustomize-resource-missing',
  cause: 'A file that kustomization.yaml lists is not in the artifact.',
  fix: 'Correct the name in kustomization.yaml, commit the file, or take it out of the ignore rules.',
  commands: ['millrace build $PATH'],
  says: [
    [/accumulating resources[\s\S]*no such file or directory/i, 0.94],
    [/(accumulating|loading|accumulate)[\s\S]*(doesn't exist|not found|no such file)/i, 0.85],
    [
      /kustomize build failed[\s\S]*(no such file|must build at directory: not a valid directory)|evalsymlink failure/i,
      0.88,
    ],
    [
      / of '(resources|components|bases|crds|configurations|openapi|patches\w*|replacements|generators|transformers)': no such file or folder/,
      0.95,
    ],
    [/unable to find one of 'kustomization\.yaml'/i, 0.85],
  ],
  weigh,
  shows: (facts) => {
    const file = text(facts, 'missing_file');
    return file === undefined ? undefined : `${file} is not in the artifact`;
  },
  examples: [
    {
      symptom: "kustomize build failed: kustomization.yaml:3: 'ingress.yaml' of 'resources': no such file or folder",
      found: true,
    },
    { symptom: "accumulating resources from 'deployment.yml': open /tmp/x: no such file or directory", found: true },
  ],
};

function weigh(confidence: number, { symptom }: Report) {
  return because(/already registered id|failed to find unique target/i.test(symptom) ? 0 : confidence);
}
