import { valueAt } from '../../../base/json.ts';
import type { KubeObject } from '../../../base/kube-object.ts';
import { items, struct } from '../defaults/fields.ts';
import type { Store } from '../storage/store.ts';

const firstPort = 30_000;
const portCount = 2768;

/** Gives a Service its cluster address and node ports, and keeps those that it has. Changes the object. */
export function allocateServiceAddresses(store: Store, service: KubeObject, old: KubeObject | undefined): void {
  const spec = struct(service, 'spec');
  if (spec === undefined) return;
  if (spec['type'] === 'ExternalName') {
    for (const field of ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy']) delete spec[field];
    return;
  }
  const kept = valueAt(old, 'spec', 'clusterIP');
  const address = spec['clusterIP'] || kept || nextAddress(store, service);
  Object.assign(spec, {
    clusterIP: address,
    clusterIPs: spec['clusterIPs'] ?? [address],
    ipFamilies: spec['ipFamilies'] ?? ['IPv4'],
    ipFamilyPolicy: spec['ipFamilyPolicy'] ?? 'SingleStack',
  });
  if (spec['type'] !== 'NodePort' && spec['type'] !== 'LoadBalancer') return;
  const taken = takenPorts(store);
  for (const port of items(spec, 'ports')) {
    const same = items(old?.['spec'], 'ports').find(
      (one) => one['port'] === port['port'] && one['protocol'] === port['protocol'],
    );
    if (port['nodePort']) continue;
    port['nodePort'] = same?.['nodePort'] ?? freePort(taken);
    taken.add(Number(port['nodePort']));
  }
}

/** An address of 10.96.0.0/16; the first is the API's own. */
function nextAddress(store: Store, { metadata }: KubeObject): string {
  if (metadata.name === 'kubernetes' && metadata.namespace === 'default') return '10.96.0.1';
  const number = (store.revision() % 65_000) + 10;
  return `10.96.${number >> 8}.${number & 255}`;
}

function takenPorts(store: Store): Set<number> {
  const ports = store
    .list('/services')
    .flatMap((service) => items(service['spec'], 'ports').map(({ nodePort }) => Number(nodePort)));
  return new Set(ports.filter((port) => port > 0));
}

function freePort(taken: ReadonlySet<number>): number {
  let port = firstPort + Math.floor(Math.random() * portCount);
  while (taken.has(port)) port = port + 1 < firstPort + portCount ? port + 1 : firstPort;
  return port;
}
