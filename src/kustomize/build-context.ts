import type { SourceFiles } from './file-system.ts';
import type { KubernetesSchema } from './kubernetes-schema.ts';
import type { RemoteContent } from './remote-content.ts';

/** What all parts of one build share. */
export interface BuildContext {
  readonly fs: SourceFiles;
  readonly schema: KubernetesSchema;
  /** What remote resources amount to, by their references; absent where there may be none. */
  readonly remotes: ReadonlyMap<string, RemoteContent> | undefined;
  /** Where objects come from is noted, as the root asks for it by `buildMetadata`. */
  readonly tracksOrigins: boolean;
  /** Tells the user about something that builds, but should be changed. */
  warn(message: string): void;
}
