import type { SourceFiles } from './file-system.ts';
import type { KubernetesSchema } from './kubernetes-schema.ts';

/** What all parts of one build share. */
export interface BuildContext {
  readonly fs: SourceFiles;
  readonly schema: KubernetesSchema;
  /** Where objects come from is noted, as the root asks for it by `buildMetadata`. */
  readonly tracksOrigins: boolean;
  /** Tells the user about something that builds, but should be changed. */
  warn(message: string): void;
}
