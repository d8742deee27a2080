import { awaitShared } from '../base/deadline.ts';
import { MillraceError } from '../base/error.ts';
import { isRecord } from '../base/json.ts';
import type { KindRef } from '../base/kube-object.ts';
import type { ApiResource } from './client.ts';
import { kubeStatusOf } from './status-error.ts';
import type { KubeTransport } from './transport.ts';

/** What the server serves, asked for one API version at a time and kept. */
export interface Discovery {
  /** Throws KUBE_KIND_NOT_SERVED. An unknown kind is asked for anew: its CRD may just have been applied. */
  resourceOf(kind: KindRef, signal: AbortSignal): Promise<ApiResource>;
  /** To be called when the server answers that a path of the version does not exist. */
  forget(apiVersion: string): void;
}

export function createDiscovery(transport: KubeTransport): Discovery {
  const known = new Map<string, Map<string, ApiResource>>();
  const asking = new Map<string, Promise<Map<string, ApiResource>>>();
  // Shared among callers, so that no single one's signal may end it; the transport's deadline does.
  const patient = new AbortController().signal;

  const ask = (apiVersion: string): Promise<Map<string, ApiResource>> => {
    const running = asking.get(apiVersion);
    if (running !== undefined) return running;
    const question = fetchResources(transport, apiVersion, patient)
      .then((resources) => {
        known.set(apiVersion, resources);
        return resources;
      })
      .finally(() => asking.delete(apiVersion));
    asking.set(apiVersion, question);
    return question;
  };

  return {
    async resourceOf({ apiVersion, kind }, signal) {
      const cached = known.get(apiVersion)?.get(kind);
      if (cached !== undefined) return cached;
      const resources = await awaitShared(ask(apiVersion), signal);
      const found = resources.get(kind);
      if (found !== undefined) return found;
      throw new MillraceError('KUBE_KIND_NOT_SERVED', `no matches for kind "${kind}" in version "${apiVersion}"`, {
        hint: 'Install the CRD of the kind, or check apiVersion and kind for a typing mistake.',
      });
    },
    forget: (apiVersion) => void known.delete(apiVersion),
  };
}

/** URL prefix of an API version: the core group has a place of its own. */
export function versionPath(apiVersion: string): string {
  return apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}

async function fetchResources(
  transport: KubeTransport,
  apiVersion: string,
  signal: AbortSignal,
): Promise<Map<string, ApiResource>> {
  const resources = new Map<string, ApiResource>();
  let answer: unknown;
  try {
    answer = await transport.call({ method: 'GET', path: versionPath(apiVersion), signal });
  } catch (error) {
    if (kubeStatusOf(error)?.code === 404) return resources;
    throw error;
  }
  const list = isRecord(answer) && Array.isArray(answer['resources']) ? answer['resources'] : [];
  for (const resource of list.filter(isRecord)) {
    const { name, kind, namespaced, verbs, group, version } = resource;
    if (typeof name !== 'string' || typeof kind !== 'string' || name.includes('/')) continue;
    // Some subresource-like entries carry the kind of another group (scale, eviction).
    if (typeof version === 'string' && version !== '' && !apiVersion.endsWith(version)) continue;
    if (typeof group === 'string' && group !== '' && !apiVersion.startsWith(`${group}/`)) continue;
    resources.set(kind, {
      apiVersion,
      kind,
      plural: name,
      namespaced: namespaced === true,
      verbs: Array.isArray(verbs) ? verbs.map(String) : [],
    });
  }
  return resources;
}
