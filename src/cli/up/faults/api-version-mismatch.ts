import type { PracticeFault } from './fault.ts';
import { addToApp } from './places.ts';

export const apiVersionMismatch: PracticeFault = {
  code: 'api-version-mismatch',
  broken: 'The application has a PodDisruptionBudget of policy/v1beta1, which Kubernetes stopped serving in 1.25.',
  files: (files) => addToApp(files, 'budget.yaml', budget),
};

const budget = `apiVersion: policy/v1beta1
kind: PodDisruptionBudget
metadata:
  name: mainapp
spec:
  minAvailable: 1
  selector:
    matchLabels:
      app: mainapp
`;
