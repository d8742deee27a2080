import { MillraceError } from '../base/error.ts';

/** A repository in a registry, in canonical form (spec/image.md §2.4). */
export interface Repository {
  /** Host with port: `index.docker.io`, `localhost:5000`. */
  host: string;
  /** `library/alpine`. */
  name: string;
}

const repositoryName = /^[a-z0-9_./-]{1,255}$/;
const hostName = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?$/;
const tagName = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const digestForm = /^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$/;

/**
 * An image name without scheme and tag, as `spec.image` has it. The host defaults to Docker Hub's. Throws
 * OCI_REFERENCE_INVALID with Flux's texts.
 */
export function parseImageName(image: string): Repository {
  const scheme = image.indexOf('://');
  if (scheme >= 0) {
    throw invalid(`image '${image}' should not include URL scheme; remove '${image.slice(0, scheme)}://'`);
  }
  const { host, name: rest } = splitHost(image);
  const [name = '', tag] = rest.split(':');
  if (image === '' || !repositoryName.test(name.replace(/@.*/, '')) || !hostName.test(host)) {
    throw invalid(`could not parse reference: ${image}`);
  }
  if (tag !== undefined) throw invalid(`image '${image}' should not include a tag; remove ':${tag}'`);
  if (name.includes('@')) throw invalid(`could not parse reference: ${image}`);
  return { host, name };
}

/** `oci://host/name` as `OCIRepository.spec.url` has it. Throws OCI_REFERENCE_INVALID. */
export function parseArtifactUrl(url: string): Repository {
  if (!url.startsWith('oci://')) throw invalid(`URL must be in format 'oci://<domain>/<org>/<repo>'`);
  const rest = url.slice('oci://'.length);
  const repository = splitHost(rest);
  if (repository.name.includes('@')) throw invalid(`URL must not contain a digest; remove '@${rest.split('@')[1]}'`);
  const colon = repository.name.indexOf(':');
  if (colon >= 0) throw invalid(`URL must not contain a tag; remove '${repository.name.slice(colon)}'`);
  if (!repositoryName.test(repository.name) || !hostName.test(repository.host)) {
    throw invalid(`could not parse reference: ${rest}`);
  }
  return repository;
}

/** A repository with a tag (`name:tag`) or a digest (`name@sha256:…`); the tag is `latest` where there is neither. */
export function parseReference(text: string): { repository: Repository; reference: string } {
  const bare = text.replace(/^oci:\/\//, '');
  const at = bare.indexOf('@');
  if (at >= 0) {
    const digest = bare.slice(at + 1);
    if (!digestForm.test(digest)) throw invalid(`could not parse reference: ${text}`);
    return { repository: parseImageName(bare.slice(0, at).replace(/:[^/:]*$/, '')), reference: digest };
  }
  const match = /^(.*?)(?::([^/:]+))?$/.exec(bare);
  const tag = match?.[2] ?? 'latest';
  if (!tagName.test(tag)) throw invalid(`could not parse reference: ${text}`);
  return { repository: parseImageName(match?.[1] ?? bare), reference: tag };
}

/** `host/name`. */
export function formatRepository({ host, name }: Repository): string {
  return `${host}/${name}`;
}

/** `host/name:tag` or `host/name@digest`. */
export function formatReference(repository: Repository, reference: string): string {
  return `${formatRepository(repository)}${isDigest(reference) ? '@' : ':'}${reference}`;
}

export function isDigest(reference: string): boolean {
  return digestForm.test(reference);
}

/** The part before the first slash is a host where it looks like one; otherwise all of it is a name on Docker Hub. */
function splitHost(text: string): Repository {
  const slash = text.indexOf('/');
  const first = text.slice(0, Math.max(slash, 0));
  const isHost = slash > 0 && slash < text.length - 1 && (/[.:]/.test(first) || first === 'localhost');
  const host = !isHost || first === 'docker.io' ? 'index.docker.io' : first;
  const name = isHost ? text.slice(slash + 1) : text;
  return { host, name: host === 'index.docker.io' && !name.includes('/') ? `library/${name}` : name };
}

function invalid(message: string): MillraceError {
  return new MillraceError('OCI_REFERENCE_INVALID', message, { retry: 'never' });
}
