export { type BuildOptions, build, buildObjects } from './build.ts';
export { diskFileSystem, type FileSystem, memoryFileSystem } from './file-system.ts';
export { type SubstituteOptions, substitute } from './substitute.ts';
