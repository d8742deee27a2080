import { asFault, type Exchange, own, parseInput, requireRate, respond, signedCall } from './exchange.ts';
import { AwsFault } from './fault.ts';
import { jsonError } from './json-protocol.ts';
import type { AwsService, JsonService, RestRoute, RestService } from './service.ts';

/** Answers a call of a JSON protocol (ECR, SQS, EventBridge): X-Amz-Target names service and operation. */
export async function answerJson(target: string, services: readonly AwsService[], exchange: Exchange): Promise<void> {
  const { signed, response } = exchange;
  const dot = target.lastIndexOf('.');
  const [prefix, operation] = [target.slice(0, dot), target.slice(dot + 1)];
  const service = services.find((s): s is JsonService => s.protocol === 'json' && s.target === prefix);
  if (service === undefined) {
    const body = JSON.stringify({ __type: 'UnknownOperationException', message: `No service takes ${target}` });
    respond(response, 400, 'application/x-amz-json-1.1', body);
    return;
  }
  try {
    requireRate(service, operation, exchange);
    const run = own(service.operations, operation);
    const call = signedCall(service, exchange);
    if (run === undefined) throw new AwsFault('UnknownOperationException', `The sandbox does not know ${target}`);
    respond(response, 200, service.contentType, JSON.stringify(await run(parseInput(signed.body), call)));
  } catch (error) {
    const { status, headers, body } = jsonError(asFault(error, exchange), service.queryCodes);
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    respond(response, status, service.contentType, body);
  }
}

/** A route of one of the services, with what its path's groups matched. */
export interface FoundRoute {
  service: RestService;
  route: RestRoute;
  parts: string[];
}

/** The route that a method and path belong to; undefined when they are none of a REST service's. */
export function findRoute(services: readonly AwsService[], method: string, path: string): FoundRoute | undefined {
  for (const service of services) {
    if (service.protocol !== 'rest') continue;
    for (const route of service.routes) {
      const match = route.method === method ? route.path.exec(path) : null;
      if (match !== null) return { service, route, parts: match.slice(1).map(decode) };
    }
  }
  return undefined;
}

/** Answers a call of a REST service (EKS): method and path name the operation, errors carry their code in a header. */
export async function answerRest({ service, route, parts }: FoundRoute, exchange: Exchange): Promise<void> {
  const { signed, response } = exchange;
  try {
    requireRate(service, route.operation, exchange);
    const call = signedCall(service, exchange);
    const answer = await route.run(parts, parseInput(signed.body), call);
    respond(response, 200, 'application/json', JSON.stringify(answer));
  } catch (error) {
    const fault = asFault(error, exchange);
    const { status, body, code } = jsonError(fault);
    response.setHeader('x-amzn-errortype', code);
    // REST services keep the status that says what happened; the JSON protocols answer 400 to nearly everything.
    respond(response, Math.max(status, fault.status), 'application/json', body);
  }
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
