import type { Resource } from './resource.ts';

/*
 * kustomize keeps what it knows of an object in annotations of the object itself while it builds. Objects that come with them
 * (from a function pipeline, say) are understood, and none of them is printed.
 */
const domain = 'internal.config.kubernetes.io';

const transient: readonly string[] = [
  ...[
    'previousKinds',
    'previousNames',
    'previousNamespaces',
    'prefixes',
    'suffixes',
    'allowNameChange',
    'allowKindChange',
    'refBy',
    'generatorBehavior',
    'needsHashSuffix',
    'path',
    'index',
    'seqindent',
    'id',
    'annotations-migration-resource-id',
    'helm-generated',
  ].map((name) => `${domain}/${name}`),
  'config.kubernetes.io/path',
  'config.kubernetes.io/index',
  'config.k8s.io/id',
];

/** Takes over what the annotations of an object say about its past, and removes them. */
export function readBuildAnnotations(resource: Resource): void {
  const annotations = resource.annotations();
  if (!Object.keys(annotations).some((key) => key.startsWith(domain))) return;
  const list = (name: string) => annotations[`${domain}/${name}`]?.split(',') ?? [];
  const [names, namespaces, kinds] = [list('previousNames'), list('previousNamespaces'), list('previousKinds')];
  resource.previous = names.map((name, index) => ({
    name,
    namespace: namespaces[index] ?? '',
    kind: kinds[index] ?? resource.kind,
  }));
  resource.prefixes = list('prefixes');
  resource.suffixes = list('suffixes');
  resource.needsHash = annotations[`${domain}/needsHashSuffix`] === 'enabled';
  resource.setPairs('annotations', withoutBuildAnnotations(annotations));
}

export function withoutBuildAnnotations(annotations: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(annotations).filter(([key]) => !transient.includes(key)));
}
