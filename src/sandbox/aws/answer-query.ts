import { asFault, type Exchange, own, requireRate, respond, signedCall } from './exchange.ts';
import { AwsFault } from './fault.ts';
import { QueryParams } from './query-params.ts';
import { queryAnswer, queryError, type XmlValue } from './query-protocol.ts';
import type { AwsService, QueryService } from './service.ts';

/** Answers a form (STS, IAM): the service is found by its Version, the operation by Action. */
export async function answerQuery(services: readonly AwsService[], exchange: Exchange): Promise<void> {
  const { signed, response, requestId } = exchange;
  // A presigned call (GetCallerIdentity as a Kubernetes token) has its form in the query.
  const form = signed.method === 'GET' ? (signed.target.split('?')[1] ?? '') : signed.body.toString();
  const params = new QueryParams(form);
  const version = params.optional('Version');
  const service = services.find((s): s is QueryService => s.protocol === 'query' && s.version === version);
  const operation = params.optional('Action') ?? '';
  if (service === undefined) {
    const fault = unknownOperation(operation, version ?? 'NO_VERSION_SPECIFIED');
    respond(response, fault.status, 'text/xml', queryError('', fault, requestId));
    return;
  }
  try {
    const result = await run(service, operation, params, exchange);
    respond(response, 200, 'text/xml', queryAnswer(service.namespace, operation, result, requestId));
  } catch (error) {
    const fault = asFault(error, exchange);
    respond(response, fault.status, 'text/xml', queryError(service.namespace, fault, requestId));
  }
}

async function run(
  service: QueryService,
  operation: string,
  params: QueryParams,
  exchange: Exchange,
): Promise<XmlValue | undefined> {
  requireRate(service, operation, exchange);
  const unsigned = own(service.unsigned, operation);
  if (unsigned !== undefined) return unsigned(params, exchange.requestId, exchange.signal);
  const signed = own(service.operations, operation);
  if (signed === undefined) throw unknownOperation(operation, service.version);
  return signed(params, signedCall(service, exchange));
}

function unknownOperation(operation: string, version: string): AwsFault {
  return new AwsFault('InvalidAction', `Could not find operation ${operation} for version ${version}`);
}
