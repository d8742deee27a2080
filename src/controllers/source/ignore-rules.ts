import { type IgnorePattern, parseIgnorePatterns, patternMatches } from './ignore-pattern.ts';

/** Always excluded first (spec/source.md §4.2). */
const versionControl = '.git/\n.gitignore\n.gitmodules\n.gitattributes\n';

/** Excluded as long as the user gives no pattern of their own. */
const defaults = `*.jpg
*.jpeg
*.gif
*.png
*.wmv
*.flv
*.tar.gz
*.zip
.github/
.circleci/
.travis.yml
.gitlab-ci.yml
appveyor.yml
.drone.yml
cloudbuild.yaml
codeship-services.yml
codeship-steps.yml
**/.goreleaser.yml
**/.sops.yaml
**/.flux.yaml
`;

export const ignoreFileName = '.sourceignore';

export interface IgnoreSources {
  /** `.sourceignore` files in walk order: the path of the file, and its text. */
  files: readonly { path: string; text: string }[];
  /** `spec.ignore`. */
  spec?: string | undefined;
}

/** Decides what stays out of an artifact. Each path is judged by itself: a file below an excluded folder may be taken back. */
export type IgnoreRules = (path: string, isDirectory: boolean) => boolean;

/**
 * The rules of a source: version control's files, then those of the user, or the defaults where the user has none; the
 * last pattern that speaks of a path decides.
 */
export function compileIgnoreRules({ files, spec }: IgnoreSources): IgnoreRules {
  const own = [
    ...files.flatMap(({ path, text }) => parseIgnorePatterns(text, path.split('/').slice(0, -1))),
    ...parseIgnorePatterns(spec ?? ''),
  ];
  return matcher([...parseIgnorePatterns(versionControl), ...(own.length > 0 ? own : parseIgnorePatterns(defaults))]);
}

/** The rules of a bucket: those of its root's `.sourceignore` and of the user; nothing is excluded by itself (spec/source.md §6). */
export function compileBucketRules(ignoreFile: string, spec: string | undefined): IgnoreRules {
  return matcher([...parseIgnorePatterns(ignoreFile), ...parseIgnorePatterns(spec ?? '')]);
}

function matcher(patterns: readonly IgnorePattern[]): IgnoreRules {
  const lastFirst = [...patterns].reverse();
  return (path, isDirectory) => {
    const parts = path.split('/');
    const decisive = lastFirst.find((pattern) => patternMatches(pattern, parts, isDirectory));
    return decisive !== undefined && !decisive.negated;
  };
}
