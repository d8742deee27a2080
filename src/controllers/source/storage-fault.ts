import { errorMessage } from '../../base/error.ts';
import { SourceFault } from './source-fault.ts';

/** Faults of writing an artifact as the condition `StorageOperationFailed`; what is a SourceFault already passes. */
export async function withStorageFault<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof SourceFault) throw cause;
    const message = `unable to archive artifact to storage: ${errorMessage(cause)}`;
    throw new SourceFault('ArchiveOperationFailed', message, { condition: 'StorageOperationFailed', cause });
  }
}
