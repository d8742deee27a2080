import type { PracticeFault } from './fault.ts';
import { create } from './places.ts';

export const immutableField: PracticeFault = {
  code: 'immutable-field',
  broken: 'The Deployment in the cluster was made with another selector, and a selector cannot change.',
  inject: (site) => create(site, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'apps' } }, former),
};

const labels = { app: 'mainapp', tier: 'web' };
const former = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'mainapp', namespace: 'apps' },
  spec: {
    replicas: 0,
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: { containers: [{ name: 'mainapp', image: 'mainapp:0.9' }] } },
  },
};
