/** What a request asks for, read off its method and path. */
export interface RequestInfo {
  /** `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`; the method for other paths. */
  verb: string;
  path: string;
  query: URLSearchParams;
  /** Present when the path names a resource. */
  resource: ResourceRequest | undefined;
}

export interface ResourceRequest {
  group: string;
  version: string;
  namespace: string | undefined;
  plural: string;
  name: string | undefined;
  subresource: string;
  /** What comes after the subresource, as in `…/proxy/a/b`. */
  rest: string;
}

/** Reads `/api/v1/…` and `/apis/group/version/…` as the API server does. */
export function parseRequest(method: string, url: string): RequestInfo {
  const questionMark = url.indexOf('?');
  const path = questionMark < 0 ? url : url.slice(0, questionMark);
  const query = new URLSearchParams(questionMark < 0 ? '' : url.slice(questionMark + 1));
  const segments = path
    .split('/')
    .filter((segment) => segment !== '')
    .map(decodeSegment);
  const resource = parseResource(segments);
  return {
    verb: resource === undefined ? method.toLowerCase() : verbOf(method, resource, query),
    path,
    query,
    resource,
  };
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

function parseResource(segments: readonly string[]): ResourceRequest | undefined {
  let rest: readonly string[];
  let group = '';
  let version: string | undefined;
  if (segments[0] === 'api') [version, ...rest] = segments.slice(1);
  else if (segments[0] === 'apis') {
    [group = '', version, ...rest] = segments.slice(1) as [string?, string?, ...string[]];
  } else return undefined;
  if (version === undefined || rest.length === 0) return undefined;

  let namespace: string | undefined;
  // `namespaces/x` is an object, `namespaces/x/pods` a place; `status` and `finalize` belong to the namespace itself.
  if (rest[0] === 'namespaces' && rest.length > 1) {
    const third = rest[2];
    namespace = rest[1];
    if (third !== undefined && third !== 'status' && third !== 'finalize') rest = rest.slice(2);
  }
  const [plural = '', name, subresource = '', ...more] = rest;
  if (plural === 'namespaces') namespace = undefined;
  return { group, version, namespace, plural, name, subresource, rest: more.join('/') };
}

function verbOf(method: string, { name }: ResourceRequest, query: URLSearchParams): string {
  switch (method) {
    case 'GET':
    case 'HEAD':
      if (/^(1|t|true)$/i.test(query.get('watch') ?? '')) return 'watch';
      return name === undefined ? 'list' : 'get';
    case 'POST':
      return 'create';
    case 'PUT':
      return 'update';
    case 'PATCH':
      return 'patch';
    case 'DELETE':
      return name === undefined ? 'deletecollection' : 'delete';
    default:
      return method.toLowerCase();
  }
}
