/** `host/repository[:tag][@digest]`, taken apart; the tag is `latest` where neither is given. */
export interface ImageReference {
  host: string;
  repository: string;
  /** Tag or digest: what a manifest is asked for by. */
  reference: string;
}

const pattern =
  /^([a-z0-9.-]+(?::\d+)?|\[[0-9a-f:]+\](?::\d+)?)\/([a-z0-9]+(?:[._/-]+[a-z0-9]+)*)(?::(\w[\w.-]{0,127}))?(?:@(sha256:[0-9a-f]{64}))?$/;

/** Reads an image name that begins with a registry's host; undefined for any other (`nginx`, `library/nginx`). */
export function parseImageReference(image: string): ImageReference | undefined {
  const [, host, repository, tag, digest] = pattern.exec(image) ?? [];
  if (host === undefined || repository === undefined || !/[.:]|^localhost$/.test(host)) return undefined;
  return { host, repository, reference: digest ?? tag ?? 'latest' };
}
