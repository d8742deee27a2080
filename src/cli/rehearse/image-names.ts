import { impossible } from './tree.ts';

/** An image of the command line or of a manifest, taken apart. */
export interface TaggedImage {
  host: string;
  /** Repository in the registry. */
  repository: string;
  tag: string;
}

/** `host/repository` as ImageRepositories have it. */
export function imageName({ host, repository }: TaggedImage): string {
  return `${host}/${repository}`;
}

export function formatImage(image: TaggedImage): string {
  return `${imageName(image)}:${image.tag}`;
}

/** Takes `host/repository:tag` apart; undefined where there is no host or no tag. */
export function parseTaggedImage(text: string): TaggedImage | undefined {
  const [, host, repository, tag] =
    /^([a-z0-9-]+(?:\.[a-z0-9-]+)+(?::\d+)?|localhost(?::\d+)?)\/([a-z0-9][a-z0-9._/-]*):(\w[\w.-]{0,127})$/.exec(
      text,
    ) ?? [];
  return host === undefined || repository === undefined || tag === undefined ? undefined : { host, repository, tag };
}

/**
 * An image of the command line: whole, or the repository or its last part alone where the tree has one image of that name.
 * Throws REHEARSAL_IMPOSSIBLE.
 */
export function resolveImage(text: string, known: readonly string[]): TaggedImage {
  const whole = parseTaggedImage(text);
  if (whole !== undefined) return whole;
  const [, name, tag] = /^([a-z0-9][a-z0-9._/-]*):(\w[\w.-]{0,127})$/.exec(text) ?? [];
  if (name === undefined || tag === undefined)
    throw impossible(
      `--image ${text} is not an image with a tag`,
      undefined,
      'Write mainapp:1.4.2, or the whole name.',
    );
  const found = [...new Set(known)].filter((image) => image === name || image.endsWith(`/${name}`));
  const image = found.length === 1 ? parseTaggedImage(`${found[0]}:${tag}`) : undefined;
  if (image !== undefined) return image;
  const hint =
    known.length === 0
      ? 'No ImageRepository of the tree names an image; write the whole name, with its registry.'
      : `The tree has: ${[...new Set(known)].join(', ')}.`;
  throw impossible(
    `--image ${text}: ${found.length === 0 ? 'the tree has no image of that name' : `several images end so: ${found.join(', ')}`}`,
    undefined,
    hint,
  );
}
