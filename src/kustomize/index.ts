/** The library entry `millrace/kustomize`: build kustomizations and substitute variables; reads through a given file system alone. docs/kustomize.md */

export { type BuildOptions, build, buildObjects, type ManifestOrigin } from './build.ts';
export { diskFileSystem, type FileSystem, type LoadRestrictor, memoryFileSystem } from './file-system.ts';
export type { RemoteContent } from './remote-content.ts';
export { buildObjectsWithRemotes, type FetchRemote } from './remotes.ts';
export { type SubstituteOptions, substitute } from './substitute.ts';
