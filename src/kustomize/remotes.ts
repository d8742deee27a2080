import { MillraceError } from '../base/error.ts';
import type { KubeObject } from '../base/kube-object.ts';
import { type BuildOptions, buildObjects } from './build.ts';
import { BuildFaults } from './faults.ts';
import type { RemoteContent } from './remote-content.ts';
import { RemoteNotRead } from './remote-content.ts';

/** Gets what a reference names. Throws what keeps it from being got. */
export type FetchRemote = (reference: string) => Promise<RemoteContent>;

/** Remote bases may name others; no sane tree has more. */
const mostRemotes = 200;

/**
 * Builds like `buildObjects`, and gets remote resources by `fetch` as they are met, each of them once. Throws what `fetch` throws
 * besides.
 */
export async function buildObjectsWithRemotes(options: BuildOptions, fetch: FetchRemote): Promise<KubeObject[]> {
  const remotes = new Map(options.remotes);
  for (;;) {
    // What a build says before it is complete would be said again.
    const warnings: string[] = [];
    const origins: Parameters<NonNullable<BuildOptions['onOrigin']>>[] = [];
    const attempt: BuildOptions = {
      ...options,
      remotes,
      warn: (message) => void warnings.push(message),
      onOrigin: (...origin) => void origins.push(origin),
    };
    try {
      const objects = buildObjects(attempt);
      for (const warning of warnings) options.warn?.(warning);
      for (const origin of origins) options.onOrigin?.(...origin);
      return objects;
    } catch (error) {
      const wanted = wantedBy(error);
      if (wanted.length === 0) throw error;
      if (remotes.size + wanted.length > mostRemotes) throw tooMany();
      const contents = await Promise.all(wanted.map(fetch));
      for (const [index, reference] of wanted.entries()) {
        const content = contents[index];
        if (content !== undefined) remotes.set(reference, content);
      }
    }
  }
}

function wantedBy(error: unknown): string[] {
  const faults = error instanceof BuildFaults ? error.faults : [error];
  return [...new Set(faults.flatMap((fault) => (fault instanceof RemoteNotRead ? fault.reference : [])))];
}

function tooMany(): MillraceError {
  return new MillraceError('KUSTOMIZE_BUILD_FAILED', `the build asks for more than ${mostRemotes} remote resources`, {
    hint: 'A remote base that names itself under ever new names would do so.',
    retry: 'never',
  });
}
