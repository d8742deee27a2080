import type { ResourceCall } from './resource-handler.ts';

/**
 * Answers of subresources other than status, by `storage/subresource`; `*` stands for every resource. Resources that are only
 * asked and never stored (access reviews) stand under `storage/`.
 */
export type SubresourceHandlers = Readonly<Record<string, (call: ResourceCall) => Promise<void> | void>>;
