import type { IncomingHttpHeaders } from 'node:http';
import type { Clock } from '../../base/clock.ts';
import type { AwsAccount } from './account.ts';
import type { ActionOptions } from './authorize.ts';
import type { IamStore } from './iam-store.ts';
import type { Identity } from './identity.ts';
import type { KeyRing } from './key-ring.ts';
import type { QueryParams } from './query-params.ts';
import type { XmlValue } from './query-protocol.ts';
import type { RateLimits } from './rate-limits.ts';

/** What every operation may use of the account. */
export interface AwsContext {
  account: AwsAccount;
  clock: Clock;
  keys: KeyRing;
  iam: IamStore;
  rateLimits: RateLimits;
}

/** A call whose signature was verified. */
export interface SignedCall {
  identity: Identity;
  requestId: string;
  /** Aborts when the client goes away or the server closes. */
  signal: AbortSignal;
  /** Lets the call go on only if the caller's policies allow it; throws the service's access-denied fault otherwise. */
  require(action: string, resource: string, options?: RequireOptions): void;
}

export interface RequireOptions extends ActionOptions {
  /** How the message names the resource, where that differs from its ARN: IAM says `role NAME`. */
  label?: string;
}

/** An operation of the query protocol (form in, XML out). Its result is the content of `<…Result>`, if it has one. */
export type QueryOperation = (
  params: QueryParams,
  call: SignedCall,
) => Promise<XmlValue | undefined> | XmlValue | undefined;

/** An operation that is called without a signature. */
export type UnsignedOperation = (params: QueryParams, requestId: string, signal: AbortSignal) => Promise<XmlValue>;

/** An operation of the JSON protocols. */
export type JsonOperation = (input: Record<string, unknown>, call: SignedCall) => Promise<object> | object;

export interface QueryService {
  protocol: 'query';
  /** The name that signatures are scoped to. */
  name: string;
  /** Value of the Version parameter, by which the request finds its service. */
  version: string;
  namespace: string;
  operations: Readonly<Record<string, QueryOperation>>;
  unsigned: Readonly<Record<string, UnsignedOperation>>;
}

export interface JsonService {
  protocol: 'json';
  name: string;
  contentType: string;
  /** Prefix of X-Amz-Target. */
  target: string;
  operations: Readonly<Record<string, JsonOperation>>;
  /** How the service words a denial: SQS writes its actions in lower case. */
  lowerCaseActions?: boolean;
  /** Codes of older protocols that clients are told besides (`x-amzn-query-error`). */
  queryCodes?: Readonly<Record<string, string>>;
}

/** An operation that is found by method and path; the path's groups are handed in decoded. */
export interface RestRoute {
  method: string;
  path: RegExp;
  operation: string;
  run(parts: readonly string[], input: Record<string, unknown>, call: SignedCall): Promise<object> | object;
}

export interface RestService {
  protocol: 'rest';
  name: string;
  routes: readonly RestRoute[];
}

/** A path that is called without a signature. */
export interface UnsignedRoute {
  method: string;
  path: RegExp;
  run(headers: IncomingHttpHeaders, signal: AbortSignal): Promise<object>;
}

export type AwsService = QueryService | JsonService | RestService;
