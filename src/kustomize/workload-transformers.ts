import { isRecord } from '../base/json.ts';
import { buildError } from './build-error.ts';
import { type FieldSpec, specMatches, updateFields } from './field-spec.ts';
import { updateAt } from './field-walk.ts';
import { type KustomizationFile, recordsField } from './kustomization-file.ts';
import type { Resource } from './resource.ts';

/** What an entry of `images` makes of the images with its name. */
export interface ImageChange {
  name: string;
  newName?: string;
  newTag?: string;
  digest?: string;
  tagSuffix?: string;
}

export function setImages(resources: readonly Resource[], file: KustomizationFile, specs: readonly FieldSpec[]): void {
  for (const entry of [...recordsField(file, 'images'), ...recordsField(file, 'imageTags')]) {
    if (typeof entry['name'] !== 'string') throw buildError(file.path, "an entry of 'images' has no 'name'");
    const text = (field: string) => {
      const value = entry[field] ?? undefined;
      if (value !== undefined && typeof value !== 'string')
        throw buildError(file.path, `images: ${field} should be a text; quote ${String(value)}`);
      return value;
    };
    const change: ImageChange = {
      name: entry['name'],
      newName: text('newName'),
      newTag: text('newTag'),
      digest: text('digest'),
      tagSuffix: text('tagSuffix'),
    };
    for (const { object } of resources) {
      if (object.kind === 'CustomResourceDefinition') continue;
      changeImages(object, change);
      updateFields(object, specs, (image) => (typeof image === 'string' ? changedImage(image, change) : image));
    }
  }
}

/** Wherever there are containers, in built-in kinds and custom ones alike. */
function changeImages(value: unknown, change: ImageChange): void {
  if (Array.isArray(value)) {
    for (const item of value) changeImages(item, change);
    return;
  }
  if (!isRecord(value)) return;
  for (const [key, child] of Object.entries(value)) {
    if (key === 'containers' || key === 'initContainers' || key === 'ephemeralContainers') {
      updateAt(child, 'image', (image) => (typeof image === 'string' ? changedImage(image, change) : image));
    }
    changeImages(child, change);
  }
}

/** `name:tag@digest` with the parts replaced that the change names; a new tag drops a digest and the other way about. */
export function changedImage(image: string, { name, newName, newTag, digest, tagSuffix = '' }: ImageChange): string {
  const [, repository = '', tag, oldDigest] = /^(.*?)(?::([\w.{}-]*))?(?:@(.+))?$/.exec(image) ?? [];
  if (repository !== name) return image;
  const keepsVersion = !newTag && !digest;
  const [tagPart, digestPart] = keepsVersion ? [tag, oldDigest] : [newTag, digest];
  const shownTag = tagPart === undefined || tagPart === '' ? '' : `:${tagPart}${tagSuffix}`;
  return `${newName ?? repository}${shownTag}${digestPart === undefined || digestPart === '' ? '' : `@${digestPart}`}`;
}

export function setReplicas(
  resources: readonly Resource[],
  file: KustomizationFile,
  specs: readonly FieldSpec[],
): void {
  for (const { name, count } of recordsField(file, 'replicas')) {
    let found = false;
    for (const spec of specs) {
      for (const { object, names } of resources) {
        if (!specMatches(spec, object) || !names.includes(String(name))) continue;
        found = true;
        updateFields(object, [spec], () => count);
      }
    }
    if (!found) throw buildError(file.path, `'replicas' names '${String(name)}', which is no workload of this build`);
  }
}
