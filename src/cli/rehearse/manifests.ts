import { textAt, valueAt } from '../../base/json.ts';
import type { KubeObject } from '../../base/kube-object.ts';
import { parseDocuments } from '../../yaml/documents.ts';
import { isSopsFile } from './sops.ts';
import { readTreeFile, type Tree } from './tree.ts';

/** A manifest as it is written, before kustomize has had its say. */
export interface Manifest {
  path: string;
  object: KubeObject;
}

/** What can be read of a tree without building it. */
export interface TreeManifests {
  manifests: Manifest[];
  /** Image references with a tag, wherever they are written. */
  images: string[];
  /** Values behind `$imagepolicy` markers: the policy's name → the tags. */
  markedTags: Map<string, Set<string>>;
  /** `eks.amazonaws.com/role-arn` annotations, wherever they are written. */
  roleArns: string[];
  /** Files that SOPS has encrypted. */
  sopsFiles: string[];
}

const imageText = /(?:^|[\s"'=])((?:[a-z0-9-]+\.)+[a-z]{2,}(?::\d+)?\/[a-z0-9][a-z0-9._/-]*:[\w][\w.-]{0,127})/gm;
const markedText =
  /["']?([\w./-]*?:)?([\w][\w.-]{0,127})["']?\s*#\s*\{\s*["']\$imagepolicy["']\s*:\s*["'][^"':]+:([^"':]+)(:name|:tag)?["']/g;
const roleText = /eks\.amazonaws\.com\/role-arn["']?\s*:\s*["']?(arn:aws[\w-]*:iam::\d{12}:role\/[\w+=,.@/-]+)/g;

/** Reads every YAML file; what is no YAML by itself (templates of charts) is passed over. */
export async function readManifests(tree: Tree): Promise<TreeManifests> {
  const read: TreeManifests = { manifests: [], images: [], markedTags: new Map(), roleArns: [], sopsFiles: [] };
  const [images, roles] = [new Set<string>(), new Set<string>()];
  for (const path of tree.files) {
    if (!/\.(ya?ml|json|env)$/.test(path)) continue;
    const text = await readTreeFile(tree, path);
    if (text === undefined) continue;
    if (isSopsFile(text)) read.sopsFiles.push(path);
    if (!/\.ya?ml$/.test(path)) continue;
    for (const [, image = ''] of text.matchAll(imageText)) images.add(image);
    for (const [, arn = ''] of text.matchAll(roleText)) roles.add(arn);
    for (const [, , tag = '', policy = '', part] of text.matchAll(markedText)) {
      if (part === ':name') continue;
      read.markedTags.set(policy, (read.markedTags.get(policy) ?? new Set()).add(tag));
    }
    for (const object of objectsOf(text, path)) read.manifests.push({ path, object });
  }
  return { ...read, images: [...images], roleArns: [...roles] };
}

function objectsOf(text: string, path: string): KubeObject[] {
  let documents: unknown[];
  try {
    documents = parseDocuments(text, path);
  } catch {
    return [];
  }
  return documents.filter(
    (document): document is KubeObject =>
      textAt(document, 'apiVersion') !== undefined &&
      textAt(document, 'kind') !== undefined &&
      textAt(document, 'metadata', 'name') !== undefined,
  );
}

/** The manifests of one kind of an API group, in any version. */
export function ofKind({ manifests }: Pick<TreeManifests, 'manifests'>, group: string, kind: string): Manifest[] {
  return manifests.filter(({ object }) => object.kind === kind && object.apiVersion.startsWith(`${group}/`));
}

/** `kind.group` of every CustomResourceDefinition of the tree. */
export function definedKinds(read: Pick<TreeManifests, 'manifests'>): Set<string> {
  return new Set(
    ofKind(read, 'apiextensions.k8s.io', 'CustomResourceDefinition').map(
      ({ object }) => `${textAt(object, 'spec', 'names', 'kind')}.${String(valueAt(object, 'spec', 'group'))}`,
    ),
  );
}
