import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json as readJson } from 'node:stream/consumers';
import { isRecord, textAt, valueAt } from '../../base/json.ts';
import { formatRef, type KubeObject, type ObjectRef } from '../../base/kube-object.ts';
import { type Substitutes, substitute } from './substitutes.ts';

/** What was not rehearsed as it is in production: `what` is an object or a part of the tree. */
export interface Note {
  what: string;
  why: string;
}

/** The cluster's admission of a rehearsal. */
export interface StandIns {
  /** Where the API server sends its reviews. */
  url: string;
  notes(): Note[];
  /** The objects that are left alone, by `Kind/namespace/name`. */
  suspended(): ReadonlyMap<string, ObjectRef>;
  close(): Promise<void>;
}

/**
 * Answers admission reviews: an object that points out of the sandbox (another repository, a Helm registry, another cluster) is
 * suspended, one that points at the rehearsed repository gets its address in the sandbox. The files of the tree stay as they are.
 */
export async function startStandIns(substitutes: Substitutes): Promise<StandIns> {
  const notes = new Map<string, Note>();
  const suspended = new Map<string, ObjectRef>();
  const server = createServer((request, response) => {
    readJson(request)
      .then(async (review) => {
        const object = valueAt(review, 'request', 'object');
        const patch = isRecord(object) ? await reviewed(object as KubeObject) : [];
        const uid = textAt(review, 'request', 'uid') ?? '';
        const encoded = Buffer.from(JSON.stringify(patch)).toString('base64');
        const answer = { uid, allowed: true, ...(patch.length > 0 && { patchType: 'JSONPatch', patch: encoded }) };
        response.end(JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: answer }));
      })
      .catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  const reviewed = async (object: KubeObject) => {
    const what = formatRef(object);
    const result = await substitute(object, substitutes);
    for (const why of result.notes) notes.set(`${what}\n${why}`, { what, why });
    if (result.suspended) suspended.set(what, refOf(object));
    return Object.entries(result.change).map(([key, value]) => ({
      op: key in object ? 'replace' : 'add',
      path: `/${key}`,
      value,
    }));
  };
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    notes: () => [...notes.values()],
    suspended: () => suspended,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

function refOf({ apiVersion, kind, metadata: { name, namespace } }: KubeObject): ObjectRef {
  return { apiVersion, kind, name, ...(namespace !== undefined && { namespace }) };
}

/** The registration of the stand-ins with the API server. */
export function webhookConfiguration(url: string): KubeObject {
  const rule = (apiGroups: string[], resources: string[]) => ({
    apiGroups,
    apiVersions: ['*'],
    operations: ['CREATE', 'UPDATE'],
    resources,
  });
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name: 'millrace-rehearsal' },
    webhooks: [
      {
        name: 'rehearsal.millrace.local',
        admissionReviewVersions: ['v1'],
        sideEffects: 'None',
        failurePolicy: 'Fail',
        clientConfig: { url },
        rules: [
          rule(['source.toolkit.fluxcd.io', 'kustomize.toolkit.fluxcd.io', 'image.toolkit.fluxcd.io'], ['*']),
          rule(['helm.toolkit.fluxcd.io'], ['*']),
          rule(['apiextensions.k8s.io'], ['customresourcedefinitions']),
          rule([''], ['serviceaccounts']),
        ],
      },
    ],
  };
}
