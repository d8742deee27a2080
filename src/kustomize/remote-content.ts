import { MillraceError } from '../base/error.ts';
import type { FileSystem } from './file-system.ts';

/** What a reference to somewhere else amounts to: a manifest, or a folder of a repository. */
export type RemoteContent =
  | { kind: 'file'; content: Buffer }
  | { kind: 'folder'; fs: FileSystem; dir: string; repository: string; ref?: string };

/** A build has met a reference whose content it was not given. */
export class RemoteNotRead extends MillraceError {
  readonly reference: string;

  constructor(reference: string, { code, message }: MillraceError) {
    super(code, message, { retry: 'never' });
    this.reference = reference;
  }
}
