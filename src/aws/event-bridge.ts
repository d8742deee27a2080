import type { ProxySettings } from '../http/proxy.ts';
import type { AwsCredentials } from './identity.ts';
import { signedJson } from './signed-json.ts';
import { dnsSuffix } from './signer.ts';

export interface EventBridgeSettings {
  region: string;
  credentials: AwsCredentials;
  endpoint?: string;
  proxy?: ProxySettings | undefined;
}

/** One operation of EventBridge: `PutRule`, `PutTargets` … */
export type EventBridge = (
  operation: string,
  input: Record<string, unknown>,
  signal: AbortSignal,
) => Promise<Record<string, unknown>>;

export function createEventBridge({ region, credentials, endpoint, proxy }: EventBridgeSettings): EventBridge {
  const url = new URL(endpoint ?? `https://events.${region}.${dnsSuffix(region)}`);
  return (operation, input, signal) =>
    signedJson({ url, service: 'events', region, target: `AWSEvents.${operation}`, input, proxy }, credentials, signal);
}
