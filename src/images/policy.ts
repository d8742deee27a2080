/** How the tag of an image is chosen; the shape of `ImagePolicy.spec.policy` (spec/image.md §4.1). */
export interface TagPolicy {
  semver?: { range: string };
  alphabetical?: { order?: string };
  numerical?: { order?: string };
}

/** Which tags are candidates, and what of them is compared; the shape of `ImagePolicy.spec.filterTags`. */
export interface TagFilter {
  /** An RE2 expression that a tag must match somewhere; absent or empty: every tag. */
  pattern?: string;
  /** What of a match is compared, in Go's template syntax (`$1`, `${name}`); absent or empty: the tag itself. */
  extract?: string;
}

export interface TagSelection {
  policy: TagPolicy;
  filterTags?: TagFilter;
}
