import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isRecord, listAt, textAt, valueAt } from '../../../base/json.ts';
import { type KubeObject, keyOf } from '../../../base/kube-object.ts';
import type { KubeClient } from '../../../kube/client.ts';
import { writePrivateFile } from '../../../sandbox/sandbox-access.ts';

/** The token volumes of a pod as files of this machine. */
export interface PodFiles {
  /** The token for the API server, which every pod has mounted. */
  apiTokenFile: string;
  /** A path inside the container → the file that stands for it. */
  locate(path: string): string;
  stop(): void;
}

export interface PodFilesOptions {
  kube: KubeClient;
  /** Audience of the API server. */
  issuer: string;
  /** A token is renewed when this share of its life is over. Default 0.8, as the kubelet. */
  renewedAfter?: number;
  /** A renewal that failed is tried again after this: the old token is good for a while. Default 5 seconds. */
  retryMs?: number;
  signal: AbortSignal;
}

interface Projection {
  file: string;
  audience: string;
  seconds: number;
}

/** What the token for the API server lives, as in every pod. */
const apiTokenSeconds = 3607;

/** Writes the projected ServiceAccount tokens of a pod below `dir`, and renews them as the kubelet does. */
export async function openPodFiles(pod: KubeObject, dir: string, options: PodFilesOptions): Promise<PodFiles> {
  const { kube, issuer, renewedAfter = 0.8, retryMs = 5000, signal } = options;
  const account = { namespace: keyOf(pod).namespace, name: textAt(pod, 'spec', 'serviceAccountName') ?? 'default' };
  const timers = new Map<string, NodeJS.Timeout>();
  const write = async ({ file, audience, seconds }: Projection): Promise<void> => {
    const request = { audiences: [audience], expirationSeconds: seconds };
    const { token } = await kube.requestToken(account, request, { signal });
    await writePrivateFile(file, token);
  };
  const renewLater = (projection: Projection, afterMs: number) => {
    if (signal.aborted) return;
    const renew = async () => {
      const isRenewed = await write(projection).then(
        () => true,
        () => false,
      );
      if (timers.has(projection.file)) renewLater(projection, isRenewed ? lifeMs(projection) : retryMs);
    };
    const timer = setTimeout(() => void renew(), Math.min(afterMs, 2 ** 31 - 1));
    timer.unref();
    timers.set(projection.file, timer);
  };
  const lifeMs = ({ seconds }: Projection) => seconds * 1000 * renewedAfter;

  const apiTokenFile = join(dir, 'kube-api-access', 'token');
  const apiToken = { file: apiTokenFile, audience: issuer, seconds: apiTokenSeconds };
  for (const projection of [apiToken, ...projectionsOf(pod, dir)]) {
    await mkdir(dirname(projection.file), { recursive: true, mode: 0o700 });
    await write(projection);
    renewLater(projection, lifeMs(projection));
  }
  const mounts = mountsOf(pod, dir);
  return {
    apiTokenFile,
    locate(path) {
      const mount = mounts.find(({ mountPath }) => path.startsWith(`${mountPath}/`));
      return mount === undefined ? path : join(mount.folder, path.slice(mount.mountPath.length + 1));
    },
    stop() {
      for (const timer of timers.values()) clearTimeout(timer);
      timers.clear();
    },
  };
}

function projectionsOf(pod: KubeObject, dir: string): Projection[] {
  return listAt(pod, 'spec', 'volumes').flatMap((volume) =>
    listAt(volume, 'projected', 'sources').flatMap((source) => {
      const token = valueAt(source, 'serviceAccountToken');
      if (!isRecord(token)) return [];
      const file = join(dir, textAt(volume, 'name') ?? '', textAt(token, 'path') ?? 'token');
      const seconds = Number(token['expirationSeconds'] ?? 3600);
      return [{ file, audience: textAt(token, 'audience') ?? '', seconds }];
    }),
  );
}

function mountsOf(pod: KubeObject, dir: string): { mountPath: string; folder: string }[] {
  return listAt(listAt(pod, 'spec', 'containers')[0], 'volumeMounts').map((mount) => ({
    mountPath: textAt(mount, 'mountPath') ?? '',
    folder: join(dir, textAt(mount, 'name') ?? ''),
  }));
}
