import type { IncomingMessage } from 'node:http';
import { type FieldError, forbiddenField, required, tooLong, unsupported } from '../errors/field-error.ts';
import { invalid } from '../errors/status-error.ts';
import type { UserInfo } from '../kinds/cluster.ts';
import type { WriteOptions } from '../verbs/write-options.ts';
import type { RequestInfo } from './request-info.ts';

const kinds: Readonly<Record<string, string>> = {
  create: 'CreateOptions',
  update: 'UpdateOptions',
  patch: 'PatchOptions',
  delete: 'DeleteOptions',
  deletecollection: 'DeleteOptions',
};
const longestManager = 128;
const validations = ['', 'Ignore', 'Strict', 'Warn'];

/** What the query of a write says of it (`meta/v1 CreateOptions` and its like). Throws 422 where it makes no sense. */
export function writeOptions(
  request: IncomingMessage,
  { query, verb, resource }: RequestInfo,
  user: UserInfo,
): WriteOptions {
  const kind = kinds[verb];
  if (kind !== undefined) {
    const faults = optionFaults(kind, query, request.headers['content-type'] ?? '');
    if (faults.length > 0) throw invalid({ group: 'meta.k8s.io', kind }, '', faults);
  }
  const validation = query.get('fieldValidation');
  return {
    user,
    manager: managerOf(request, query),
    dryRun: query.getAll('dryRun').includes('All'),
    fieldValidation: validation === 'Strict' || validation === 'Ignore' ? validation : 'Warn',
    subresource: resource?.subresource ?? '',
    warnings: [],
  };
}

function optionFaults(kind: string, query: URLSearchParams, contentType: string): FieldError[] {
  const faults: FieldError[] = [];
  const manager = query.get('fieldManager') ?? '';
  if (kind === 'PatchOptions') {
    const applies = contentType.startsWith('application/apply-patch');
    if (applies && manager === '') faults.push(required('fieldManager', 'is required for apply patch'));
    if (!applies && query.has('force'))
      faults.push(forbiddenField('force', 'may not be specified for non-apply patch'));
  }
  const takesManager = kind !== 'DeleteOptions';
  if (takesManager && manager.length > longestManager) faults.push(tooLong('fieldManager', longestManager));
  const dryRun = query.getAll('dryRun');
  if (dryRun.some((value) => value !== 'All')) faults.push(unsupported('dryRun', dryRun, ['All']));
  const validation = query.get('fieldValidation') ?? '';
  if (takesManager && !validations.includes(validation)) {
    faults.push(unsupported('fieldValidation', validation, validations));
  }
  return faults;
}

/** The field manager of a request that names none: the program's name in its user agent. */
function managerOf(request: IncomingMessage, query: URLSearchParams): string {
  const named = query.get('fieldManager');
  if (named) return named;
  return (request.headers['user-agent'] ?? 'unknown').split('/')[0]?.slice(0, longestManager) ?? '';
}
