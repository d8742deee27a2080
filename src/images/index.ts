/** The library entry `millrace/images`: choose tags and edit setter markers; pure functions, no I/O. docs/images.md */

export type { TagExplanation } from './explain-tags.ts';
export { explainTags, selectTag, updateMarkers } from './library.ts';
export type { ObjectIdentity } from './marked-scalars.ts';
export type { TagFilter, TagPolicy, TagSelection } from './policy.ts';
export type { PolicyRef, PolicyRefs } from './setter-marker.ts';
export type { MarkerChange, MarkerUpdate } from './update-markers.ts';
