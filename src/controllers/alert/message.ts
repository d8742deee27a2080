import { createHmac } from 'node:crypto';
import type { Provider } from '../../api/provider.ts';
import { MillraceError } from '../../base/error.ts';
import type { Notification } from '../../runtime/notification.ts';
import { parseDocuments } from '../../yaml/documents.ts';
import type { SecretData } from '../source/secret-data.ts';

/** A request that tells a Provider of an event. */
export interface Message {
  url: string;
  headers: Record<string, string>;
  body: string;
  /** Slack's API answers 200 also where it refuses, and says so in the body. */
  saysWhetherOk: boolean;
}

/** The types that messages are made for. */
export const supportedTypes = ['generic', 'generic-hmac', 'slack', 'rocket', 'discord'] as const;

export function isSupported(type: string): boolean {
  return (supportedTypes as readonly string[]).includes(type);
}

/** How a Provider is told of an event; `secret` is what its `secretRef` names. Throws TRANSPORT_OPTIONS. */
export function messageFor({ spec }: Provider, event: Notification, secret: SecretData): Message {
  const address = secret.get('address')?.trim() || spec.address || defaultAddress(spec.type, secret);
  if (address === undefined || !URL.canParse(address) || !/^https?:/.test(address))
    throw fault("there is no address: set spec.address, or 'address' in its Secret, to an http or https URL");
  const token = secret.get('token')?.trim();
  if (spec.type === 'generic' || spec.type === 'generic-hmac')
    return genericMessage({ address, token, isSigned: spec.type === 'generic-hmac' }, event, secret);
  const username = secret.get('username')?.trim() || spec.username || event.reportingController;
  const body = JSON.stringify(chatMessage(event, username, spec.channel));
  const authorization: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const url = spec.type === 'discord' ? slackFormAddress(address) : address;
  const headers = { 'content-type': 'application/json', ...authorization };
  return { url, headers, body, saysWhetherOk: url === slackApi };
}

const slackApi = 'https://slack.com/api/chat.postMessage';

function defaultAddress(type: string, secret: SecretData): string | undefined {
  return type === 'slack' && secret.has('token') ? slackApi : undefined;
}

interface Generic {
  address: string;
  token: string | undefined;
  isSigned: boolean;
}

/** The event itself, as `eventv1.Event` of Flux, signed by HMAC-SHA256 where that is asked for. */
function genericMessage({ address, token, isSigned }: Generic, event: Notification, secret: SecretData): Message {
  const body = JSON.stringify(event);
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    'gotk-component': event.reportingController,
    ...extraHeaders(secret),
  };
  if (isSigned) {
    if (token === undefined) throw fault("its Secret has no 'token' to sign with");
    headers['x-signature'] = `sha256=${createHmac('sha256', token).update(body).digest('hex')}`;
  } else if (token !== undefined) headers['authorization'] ??= `Bearer ${token}`;
  return { url: address, headers, body, saysWhetherOk: false };
}

/** The key `headers` of the Secret: a YAML mapping. */
function extraHeaders(secret: SecretData): Record<string, string> {
  const text = secret.get('headers');
  if (text === undefined) return {};
  const [headers] = parseDocuments(text, "the key 'headers' of its Secret");
  if (typeof headers !== 'object' || headers === null) throw fault("'headers' of its Secret should be a YAML mapping");
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]));
}

/** Slack's attachments, which Rocket.Chat and Discord understand as well. */
function chatMessage(event: Notification, username: string, channel: string | undefined): Record<string, unknown> {
  const { kind = '', name = '', namespace = '' } = event.involvedObject;
  return {
    ...(channel === undefined ? {} : { channel }),
    username,
    attachments: [
      {
        color: event.severity === 'error' ? 'danger' : 'good',
        author_name: `${kind.toLowerCase()}/${name}.${namespace}`,
        text: event.message,
        mrkdwn_in: ['text'],
        fields: Object.entries(event.metadata ?? {}).map(([title, value]) => ({ title, value, short: false })),
      },
    ],
  };
}

function slackFormAddress(address: string): string {
  const url = new URL(address);
  if (!url.pathname.endsWith('/slack')) url.pathname = `${url.pathname.replace(/\/$/, '')}/slack`;
  return url.href;
}

function fault(message: string): MillraceError {
  return new MillraceError('TRANSPORT_OPTIONS', message, { retry: 'never' });
}
