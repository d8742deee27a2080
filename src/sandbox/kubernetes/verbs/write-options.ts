import type { UserInfo } from '../kinds/cluster.ts';

/** What a write request says beside its body. */
export interface WriteOptions {
  user: UserInfo;
  /** The field manager: from the query, else the first word of the user agent. */
  manager: string;
  dryRun: boolean;
  fieldValidation: 'Ignore' | 'Warn' | 'Strict';
  subresource: string;
  /** Warnings for the client, collected on the way. */
  warnings: string[];
}
