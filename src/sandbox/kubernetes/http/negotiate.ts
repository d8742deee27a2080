import { StatusError } from '../errors/status-error.ts';

/** The form of an answer: JSON or YAML, and whether as the object, a table, or its metadata only. */
export interface AnswerForm {
  type: 'application/json' | 'application/yaml';
  /** `Table`, `PartialObjectMetadata`, `PartialObjectMetadataList`, `APIGroupDiscoveryList`. */
  as: string | undefined;
  version: string | undefined;
  pretty: boolean;
}

const json: AnswerForm = { type: 'application/json', as: undefined, version: undefined, pretty: false };

/** Chooses the first form of an Accept header that we can give. Throws 406. */
export function negotiate(accept: string | undefined, served: readonly string[] = transformations): AnswerForm {
  if (accept === undefined || accept === '' || accept === 'application/json') return json;
  for (const part of accept.split(',')) {
    const [type = '', ...parameters] = part.split(';').map((piece) => piece.trim());
    const values = new Map(parameters.map((parameter) => parameter.split('=', 2) as [string, string]));
    const as = values.get('as');
    if (as !== undefined && !served.includes(as)) continue;
    const version = values.get('v');
    if (as?.endsWith('DiscoveryList') && version !== 'v2' && version !== 'v2beta1') continue;
    const pretty = values.get('pretty') === '1';
    if (type === 'application/json' || type === '*/*' || type === 'application/*')
      return { ...json, as, version, pretty };
    if (type === 'application/yaml') return { ...json, type, as, version };
  }
  const message =
    'only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf';
  throw new StatusError(406, 'NotAcceptable', message);
}

const transformations = ['Table', 'PartialObjectMetadata', 'PartialObjectMetadataList', 'APIGroupDiscoveryList'];
