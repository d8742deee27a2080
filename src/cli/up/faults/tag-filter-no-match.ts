import type { PracticeFault } from './fault.ts';
import { fleetPaths, inFile } from './places.ts';

export const tagFilterNoMatch: PracticeFault = {
  code: 'tag-filter-no-match',
  broken: 'The ImagePolicy only takes tags that begin with main-; the builds are tagged 1.0.1.',
  files: (files) =>
    inFile(
      files,
      fleetPaths.images,
      '  policy:\n',
      "  filterTags:\n    pattern: '^main-(?P<version>[0-9.]+)$'\n    extract: $version\n  policy:\n",
    ),
};
