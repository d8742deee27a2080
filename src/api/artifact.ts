import { z } from 'zod';
import { Int64, StringMap, Time } from './schema.ts';

/** What a source serves of its current revision (spec/source.md §2.1). */
export const Artifact = z.object({
  path: z.string(),
  url: z.string(),
  revision: z.string(),
  digest: z.string().regex(/^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$/),
  lastUpdateTime: Time,
  size: Int64.optional(),
  metadata: StringMap.optional(),
});
export type Artifact = z.infer<typeof Artifact>;
