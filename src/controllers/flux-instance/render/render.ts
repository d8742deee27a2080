import { instanceGroup } from '../../../api/flux-instance.ts';
import { sha256Hex } from '../../../base/digest.ts';
import { MillraceError } from '../../../base/error.ts';
import type { KubeObject } from '../../../base/kube-object.ts';
import { buildObjects } from '../../../kustomize/build.ts';
import { memoryFileSystem } from '../../../kustomize/file-system.ts';
import { printDocuments } from '../../../yaml/print.ts';
import { fluxRelease, type Settings } from '../settings.ts';
import { clusterObjectsOf, isClusterScoped } from './cluster.ts';
import { patchesWithoutTarget } from './patch-targets.ts';
import { syncObjectsOf } from './sync.ts';
import { workloadsOf } from './workloads.ts';

/** The manifests of an instance. */
export interface Rendered {
  objects: KubeObject[];
  /** `<version>@sha256:<hex>` over all of them, so that any change of an option or a patch is a new revision. */
  revision: string;
  /** The user's patches that changed nothing, as they would be found in the spec. */
  idlePatches: string[];
}

/**
 * Renders an instance (spec/instance.md §5.4–5.6): the user's patches go last but for the marks that every managed object
 * carries. Throws INSTANCE_INVALID and KUSTOMIZE_BUILD_FAILED.
 */
export function renderInstance(settings: Settings, image: string): Rendered {
  if (settings.components.length === 0) {
    throw new MillraceError('INSTANCE_INVALID', 'no components defined', {
      hint: 'List source-controller, kustomize-controller, image-reflector-controller or image-automation-controller.',
      retry: 'never',
    });
  }
  const plain = [
    ...clusterObjectsOf(settings),
    ...settings.components.flatMap((component) => workloadsOf(component, settings, image)),
    ...syncObjectsOf(settings),
  ];
  const patches = settings.spec.kustomize?.patches ?? [];
  const patched = patches.length === 0 ? plain : applyPatches(plain, patches);
  const objects = patched.map((object) => marked(object, settings));
  const revision = `v${fluxRelease}@sha256:${sha256Hex(printDocuments(objects))}`;
  return { objects, revision, idlePatches: patchesWithoutTarget(patches, plain) };
}

/** By the engine that Kustomizations are built with: anchors, directives and selectors mean what they mean there. */
function applyPatches(objects: readonly KubeObject[], patches: readonly unknown[]): KubeObject[] {
  const kustomization = { resources: ['objects.yaml'], patches };
  const files = { 'kustomization.yaml': JSON.stringify(kustomization), 'objects.yaml': printDocuments([...objects]) };
  return buildObjects({ fs: memoryFileSystem(files), dir: '.' });
}

/** The namespace, and the labels and annotations of spec/instance.md §4; those of `commonMetadata` win. */
function marked(object: KubeObject, { namespace, spec }: Settings): KubeObject {
  const { labels = {}, annotations = {} } = spec.commonMetadata ?? {};
  return {
    ...object,
    metadata: {
      ...object.metadata,
      ...(!isClusterScoped(object) && { namespace }),
      labels: {
        ...object.metadata.labels,
        'app.kubernetes.io/managed-by': 'flux-operator',
        'app.kubernetes.io/instance': namespace,
        'app.kubernetes.io/version': `v${fluxRelease}`,
        'app.kubernetes.io/part-of': 'flux',
        [`${instanceGroup}/name`]: 'flux',
        [`${instanceGroup}/namespace`]: namespace,
        ...labels,
      },
      annotations: {
        ...object.metadata.annotations,
        'kustomize.toolkit.fluxcd.io/ssa': 'Ignore',
        'kustomize.toolkit.fluxcd.io/prune': 'Disabled',
        ...annotations,
      },
    },
  };
}
