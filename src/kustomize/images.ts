import { RE2JS } from 're2js';
import { isRecord } from '../base/json.ts';
import { textOf } from '../yaml/original-text.ts';
import { buildError } from './build-error.ts';
import { type FieldSpec, setAtPlace, specsFor, visitFields } from './field-spec.ts';
import { placeText } from './names.ts';
import type { Resource } from './resource.ts';
import { formatId } from './resource-id.ts';
import type { ResourceList } from './resource-list.ts';

/** What an entry of `images` makes of the images with its name. */
export interface ImageChange {
  /** A regular expression, which for most names is the name itself. */
  name?: string;
  newName?: string;
  newTag?: string;
  digest?: string;
  tagSuffix?: string;
}

/** Changes images in `containers` and `initContainers` wherever they are, and at the places of the specs. */
export function setImages(list: ResourceList, change: ImageChange, specs: readonly FieldSpec[], where: string): void {
  const matches = imageMatcher(change.name ?? '', where);
  const changed = (image: string) => (matches(image) ? changedImage(image, change) : image);
  for (const resource of list.resources) {
    if (resource.kind === 'CustomResourceDefinition') continue;
    changeContainers(resource.object, resource, changed);
    for (const spec of specsFor(resource, specs))
      visitFields(resource, spec, {}, (place) => {
        const image = placeText(place, resource, spec);
        const next = changed(image);
        if (next !== image) setAtPlace(place, next);
      });
  }
}

function changeContainers(value: unknown, resource: Resource, changed: (image: string) => string): void {
  if (Array.isArray(value)) {
    for (const item of value) changeContainers(item, resource, changed);
    return;
  }
  if (!isRecord(value)) return;
  for (const key of Object.keys(value)) {
    const child = value[key];
    if (typeof child !== 'object') continue;
    changeContainers(child, resource, changed);
    if ((key === 'containers' || key === 'initContainers') && Array.isArray(child))
      for (const container of child) changeContainer(container, resource, changed);
  }
}

function changeContainer(container: unknown, resource: Resource, changed: (image: string) => string): void {
  if (container === null) return;
  const fault = (what: string) => buildError(resource.source, `${formatId(resource.id)}: ${what}`);
  if (!isRecord(container)) throw fault('a container should be a mapping');
  if (!Object.hasOwn(container, 'image')) return;
  if (typeof container['image'] === 'object' && container['image'] !== null)
    throw fault('the image of a container should be a text');
  const image = textOf(container, 'image');
  const next = changed(image);
  if (next !== image) container['image'] = next;
}

const version = '(:[a-zA-Z0-9_.{}-]*)?(@sha256:[a-zA-Z0-9_.{}-]*)?$';

/** Names are patterns in kustomize; the usual ones, in which only a dot is special, need no pattern engine. */
function imageMatcher(name: string, where: string): (image: string) => boolean {
  if (/^[\w./:-]*$/.test(name)) {
    const pattern = new RegExp(`^${name}${version}`);
    return (image) => pattern.test(image);
  }
  try {
    const pattern = RE2JS.compile(`^${name}${version}`);
    return (image) => pattern.matcher(image).find();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw buildError(where, `the image name '${name}' is no valid pattern: ${reason}`);
  }
}

/** `name:tag@digest` with the parts replaced that the change names; a new tag drops a digest and the other way about. */
export function changedImage(image: string, { newName, newTag, digest, tagSuffix }: ImageChange): string {
  const parts = splitImage(image);
  const name = newName || parts.name;
  let [tag, sum] = [parts.tag, parts.digest];
  if (newTag || digest) [tag, sum] = [newTag ?? '', digest ?? ''];
  else if (tagSuffix) [tag, sum] = [`${tag}${tagSuffix}`, ''];
  return `${name}${tag === '' ? '' : `:${tag}`}${sum === '' ? '' : `@${sum}`}`;
}

function splitImage(image: string): { name: string; tag: string; digest: string } {
  const slash = Math.max(image.indexOf('/'), 0);
  const at = image.indexOf('@', slash);
  const colon = image.indexOf(':', slash);
  if (at >= 0 && (colon < 0 || at < colon)) return { name: image.slice(0, at), tag: '', digest: image.slice(at + 1) };
  if (colon < 0) return { name: image, tag: '', digest: '' };
  if (at < 0) return { name: image.slice(0, colon), tag: image.slice(colon + 1), digest: '' };
  return { name: image.slice(0, colon), tag: image.slice(colon + 1, at), digest: image.slice(at + 1) };
}
