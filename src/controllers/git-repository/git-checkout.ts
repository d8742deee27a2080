import { join } from 'node:path';
import { sha256Hex } from '../../base/digest.ts';
import type { ObjectKey } from '../../base/kube-object.ts';
import { parseCommit, parseTag, type SignedObject, tagTarget } from '../../git/commit-object.ts';
import { fetchCommit, fetchInto, type Mirror, openMirror, tidyMirror } from '../../git/mirror.ts';
import type { ObjectReader } from '../../git/objects.ts';
import type { Git } from '../../git/program.ts';
import { isObjectId } from '../../git/ref-name.ts';
import type { GitRemote } from '../../git/remote.ts';
import type { WantedCommit } from './git-revision.ts';

export interface MirrorPlace {
  git: Git;
  /** Folder of all mirrors. */
  mirrorsDir: string;
  key: ObjectKey;
}

/** A commit that is on this machine. */
export interface FetchedCommit {
  mirror: Mirror;
  /** What was fetched: for an annotated tag, the tag object. */
  oid: string;
}

/** The folder of an object's mirrors: nothing is shared between objects, as their credentials differ. */
export function mirrorsOf({ mirrorsDir, key }: Pick<MirrorPlace, 'mirrorsDir' | 'key'>): string {
  return join(mirrorsDir, key.namespace, key.name);
}

/** Brings what is wanted into the object's mirror of the remote. Throws the GIT_… errors. */
export async function fetchWanted(
  place: MirrorPlace,
  remote: GitRemote,
  wanted: Pick<WantedCommit, 'source' | 'fallbackRef'>,
  { signal, maxBytes }: { signal: AbortSignal; maxBytes?: number },
): Promise<FetchedCommit> {
  const { git } = place;
  const mirror = await openMirror(join(mirrorsOf(place), sha256Hex(remote.url).slice(0, 16)));
  const limits = { signal, ...(maxBytes === undefined ? {} : { maxBytes }) };
  const fallback = wanted.fallbackRef === undefined ? {} : { fallbackRef: wanted.fallbackRef };
  const oid = isObjectId(wanted.source)
    ? await fetchCommit(git, mirror, remote, wanted.source, { ...limits, ...fallback })
    : await fetchInto(git, mirror, remote, wanted.source, limits);
  await tidyMirror(git, mirror, signal);
  return { mirror, oid };
}

export interface ReadCommit {
  /** Hash of the commit. */
  oid: string;
  commit: SignedObject;
  /** The annotated tag in front of it. */
  tag?: SignedObject;
  tagOid?: string;
  tree: string;
}

/** Reads a commit, through the tags that point at it. */
export async function readCommit(objects: ObjectReader, fetched: string): Promise<ReadCommit> {
  const { header, data } = await objects.read(fetched);
  if (header.type === 'commit') {
    const commit = parseCommit(data);
    return { oid: fetched, commit, tree: commit.headers.get('tree') ?? '' };
  }
  if (header.type !== 'tag') throw new Error(`object ${fetched} is a ${header.type}, not a commit`);
  const tag = parseTag(data);
  const inner = await readCommit(objects, tagTarget(tag));
  // Of nested tags, the outermost is what the reference names.
  return { ...inner, tag, tagOid: fetched };
}

const subjectLength = 50;

/** First line of the message, cut after 50 characters. */
export function shortMessage({ message }: SignedObject): string {
  const subject = [...(message.split('\n', 1)[0] ?? '')];
  return subject.length > subjectLength ? `${subject.slice(0, subjectLength).join('')}...` : subject.join('');
}
