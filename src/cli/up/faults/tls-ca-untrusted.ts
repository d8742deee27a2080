import type { PracticeFault } from './fault.ts';
import { objects, patch } from './places.ts';

export const tlsCaUntrusted: PracticeFault = {
  code: 'tls-ca-untrusted',
  broken: 'The git host has a certificate of an authority of its own, and the Secret has no ca.crt.',
  // The API server has such a certificate; nobody comes so far as to miss a repository there.
  inject: (site) =>
    patch(site, objects.gitRepository, { spec: { url: `${site.sandbox.access.kubernetes.url}/fleet.git` } }),
};
