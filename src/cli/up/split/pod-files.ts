import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isRecord, listAt, textAt, valueAt } from '../../../base/json.ts';
import { type KubeObject, keyOf } from '../../../base/kube-object.ts';
import type { KubeClient } from '../../../kube/client.ts';
import { writePrivateFile } from '../../../sandbox/sandbox-access.ts';

/** The token volumes of a pod as files of this machine. */
export interface PodFiles {
  /** A path inside the container → the file that stands for it. */
  locate(path: string): string;
  stop(): void;
}

interface Projection {
  file: string;
  audience: string;
  seconds: number;
}

/** A kubelet renews a token when four fifths of its life are over. */
const renewedAfter = 0.8;

/** Writes the projected ServiceAccount tokens of a pod below `dir`, and renews them as the kubelet does. */
export async function openPodFiles(
  pod: KubeObject,
  dir: string,
  kube: KubeClient,
  signal: AbortSignal,
): Promise<PodFiles> {
  const account = { namespace: keyOf(pod).namespace, name: textAt(pod, 'spec', 'serviceAccountName') ?? 'default' };
  const timers = new Set<NodeJS.Timeout>();
  const write = async ({ file, audience, seconds }: Projection): Promise<void> => {
    const request = { audiences: [audience], expirationSeconds: seconds };
    const { token } = await kube.requestToken(account, request, { signal });
    await writePrivateFile(file, token);
    const timer = setTimeout(
      () => {
        timers.delete(timer);
        // The old token is good for another fifth of its life: time enough for the next attempt.
        void write({ file, audience, seconds }).catch(() => {});
      },
      Math.min(seconds * 1000 * renewedAfter, 2 ** 31 - 1),
    );
    timer.unref();
    timers.add(timer);
  };
  for (const projection of projectionsOf(pod, dir)) {
    await mkdir(join(projection.file, '..'), { recursive: true, mode: 0o700 });
    await write(projection);
  }
  const mounts = mountsOf(pod, dir);
  return {
    locate(path) {
      const mount = mounts.find(({ mountPath }) => path.startsWith(`${mountPath}/`));
      return mount === undefined ? path : join(mount.folder, path.slice(mount.mountPath.length + 1));
    },
    stop() {
      for (const timer of timers) clearTimeout(timer);
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
