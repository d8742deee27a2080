import type { PracticeFault } from './fault.ts';
import { addToApp } from './places.ts';

export const crdMissing: PracticeFault = {
  code: 'crd-missing',
  broken: 'The application has a ServiceMonitor, and the CRD of that kind is not installed.',
  files: (files) => addToApp(files, 'monitor.yaml', monitor),
};

const monitor = `apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata:
  name: mainapp
spec:
  selector:
    matchLabels:
      app: mainapp
  endpoints:
    - port: http
`;
