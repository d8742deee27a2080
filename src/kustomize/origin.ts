import { posix } from 'node:path';
import type { Resource } from './resource.ts';

/** `buildMetadata: [originAnnotations]`: an annotation that says which file an object came from. */
export function annotateOrigin({ object, origin, generator }: Resource, root: string): void {
  const path = posix.relative(`/${root}`, `/${origin}`);
  const text =
    generator === undefined
      ? `path: ${path}\n`
      : `configuredIn: ${path}\nconfiguredBy:\n  apiVersion: builtin\n  kind: ${generator}\n`;
  object.metadata.annotations = { ...object.metadata.annotations, 'config.kubernetes.io/origin': text };
}
