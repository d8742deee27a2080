import { posix } from 'node:path';
import { printDocument } from '../yaml/print.ts';
import { withoutBuildAnnotations } from './build-annotations.ts';
import type { Resource } from './resource.ts';

/** Where an object, or what changed it, comes from; paths are relative to the folder that is built. */
export interface Origin {
  path?: string;
  /** The repository of a remote base, and what of it was asked for; `path` is then below its root. */
  repo?: string;
  ref?: string;
  configuredIn?: string;
  configuredBy?: { apiVersion: string; kind: string; name?: string; namespace?: string };
}

export const originAnnotation = 'config.kubernetes.io/origin';
export const transformationsAnnotation = 'alpha.config.kubernetes.io/transformations';

/** How a folder is reached from the one that is built, or from the root of a remote repository. */
export interface OriginBase extends Pick<Origin, 'repo' | 'ref'> {
  path: string;
}

/** The origin of a file or folder that a kustomization in `base` names. */
export function originOf(base: OriginBase, name: string): OriginBase {
  const joined = posix.join(base.path, name);
  return { ...base, path: joined === '.' ? '' : joined };
}

/** What a builtin generator or transformer of a kustomization file leaves as its origin. */
export function builtinOrigin(base: OriginBase, fileName: string, kind: string): Origin {
  return configuredOrigin(originOf(base, fileName), { apiVersion: 'builtin', kind });
}

/** The origin of what a configuration that has an origin of its own makes. */
export function configuredOrigin(
  { path, repo, ref }: Origin,
  configuredBy: NonNullable<Origin['configuredBy']>,
): Origin {
  return {
    ...(repo === undefined ? {} : { repo }),
    ...(ref === undefined ? {} : { ref }),
    ...(path === undefined ? {} : { configuredIn: path }),
    configuredBy,
  };
}

/** Notes that a transformer ran, on every object there is. */
export function recordTransformation(resources: readonly Resource[], origin: Origin): void {
  for (const resource of resources) {
    if (resource.origin === undefined) resource.origin = origin;
    else resource.transformations.push(origin);
  }
}

/** Writes what was asked for into the annotations, and what was not asked for out of them. */
export function annotateOrigins(resource: Resource, wanted: { origins: boolean; transformations: boolean }): void {
  const { [originAnnotation]: _, [transformationsAnnotation]: __, ...annotations } = resource.annotations();
  if (wanted.origins && resource.origin !== undefined) annotations[originAnnotation] = originText(resource.origin);
  if (wanted.transformations && resource.transformations.length > 0)
    annotations[transformationsAnnotation] = resource.transformations.map(itemText).join('');
  resource.setPairs('annotations', withoutBuildAnnotations(annotations));
}

/** YAML with the fields in their own order, not sorted. */
function originText({ path, repo, ref, configuredIn, configuredBy }: Origin): string {
  const line = (key: string, value: string | undefined) => (value ? printDocument({ [key]: value }) : '');
  const by =
    configuredBy === undefined
      ? ''
      : Object.entries(configuredBy)
          .map(([key, value]) => line(key, value))
          .filter((text) => text !== '')
          .map((text) => `  ${text}`)
          .join('');
  const where = line('path', path) + line('repo', repo) + line('ref', ref) + line('configuredIn', configuredIn);
  const text = where + (by === '' ? '' : `configuredBy:\n${by}`);
  return text === '' ? '{}\n' : text;
}

function itemText(origin: Origin): string {
  return `- ${originText(origin).trimEnd().replaceAll('\n', '\n  ')}\n`;
}
