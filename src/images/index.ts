/** The library entry `millrace/images`: choose tags and edit setter markers; pure functions, no I/O. docs/images.md */

export { explainTags, type TagExplanation } from './explain-tags.ts';
export type { ObjectIdentity } from './marked-scalars.ts';
export type { TagFilter, TagPolicy, TagSelection } from './policy.ts';
export { selectTag } from './select-tag.ts';
export type { PolicyRef, PolicyRefs } from './setter-marker.ts';
export { type MarkerChange, type MarkerUpdate, updateMarkers } from './update-markers.ts';
