import type { Alert } from '../../api/alert.ts';
import { Alert as AlertKind } from '../../api/alert.ts';
import { kindRef } from '../../api/kind.ts';
import { type Provider, Provider as ProviderKind } from '../../api/provider.ts';
import { type Clock, systemClock } from '../../base/clock.ts';
import { newLifetime, sleep, withDeadline } from '../../base/deadline.ts';
import { sha256Hex } from '../../base/digest.ts';
import { parseDuration } from '../../base/duration.ts';
import { errorMessage, isMillraceError, MillraceError } from '../../base/error.ts';
import { isRecord, textAt } from '../../base/json.ts';
import { formatKey, type ObjectKey } from '../../base/kube-object.ts';
import type { Logger } from '../../base/logger.ts';
import { backoffDelayMs } from '../../base/retry.ts';
import type { HttpClient } from '../../http/http-client.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { Notification } from '../../runtime/notification.ts';
import { readSecret } from '../source/secret-data.ts';
import { transportOf } from '../source/transport.ts';
import { addressed, wants } from './matching.ts';
import { isSupported, type Message, messageFor, supportedTypes } from './message.ts';

export interface AlertDeps {
  client: KubeClient;
  http: HttpClient;
  logger: Logger;
  /** Alerts of this namespace alone; of all when left out. */
  namespace?: string;
  noCrossNamespaceRefs: boolean;
  /** A message was sent, given up after its retries, or dropped because too many waited. */
  onMessage?(outcome: 'sent' | 'failed' | 'dropped'): void;
  clock?: Clock;
}

/** Tells the Providers of Alerts of events, in the background. */
export interface AlertDispatcher {
  /** Never throws; resolves as soon as it is known who is to be told. */
  notify(event: Notification): Promise<void>;
  /** Resolves when every message has been sent or given up. */
  flush(): Promise<void>;
  /** Gives up what is not sent yet. */
  close(): void;
}

/** A change of an Alert counts within this time; while nothing happens nobody asks for them. */
const alertsHoldMs = 5_000;
/** Where the cluster does not serve the kinds, or does not show them. */
const noAlertsHoldMs = 60_000;
/** An event that is repeated within this time is told once, as Flux does it. */
const repeatMs = 5 * 60_000;
const defaultTimeoutMs = 15_000;
const attempts = 5;
const delays = { firstDelayMs: 1_000, maxDelayMs: 30_000 };
/** A Provider that does not answer holds no more messages than this; the newest are dropped. */
const mostWaiting = 100;

export function createAlertDispatcher(deps: AlertDeps): AlertDispatcher {
  const { clock = systemClock, logger } = deps;
  const lifetime = newLifetime();
  const alerts = new AlertList(deps, lifetime.signal);
  const lines = new Map<string, Line>();
  const told = new Map<string, number>();

  const isRepeated = (id: string) => {
    const now = clock.now();
    for (const [other, at] of told) {
      if (now - at < repeatMs) break;
      told.delete(other);
    }
    const isKnown = told.has(id);
    if (!isKnown) told.set(id, now);
    return isKnown;
  };

  const tell = (alert: Alert, event: Notification) => {
    const key = { namespace: alert.metadata.namespace ?? '', name: alert.spec.providerRef.name };
    if (isRepeated(eventId(alert, event))) return;
    const id = formatKey(key);
    const line = lines.get(id) ?? { tail: Promise.resolve(), length: 0 };
    lines.set(id, line);
    if (line.length >= mostWaiting) {
      deps.onMessage?.('dropped');
      logger.warn(`Provider ${id} has ${mostWaiting} messages waiting; an event is dropped`);
      return;
    }
    line.length++;
    line.tail = line.tail
      .then(() => send(deps, key, addressed(event, alert), lifetime.signal))
      .then((isSent) => isSent && deps.onMessage?.('sent'))
      .catch((error: unknown) => {
        deps.onMessage?.('failed');
        logger.warn(`Provider ${id} was not told of an event: ${errorMessage(error)}`);
      })
      .finally(() => {
        if (--line.length === 0) lines.delete(id);
      });
  };

  return {
    async notify(event) {
      try {
        let labels: Promise<Readonly<Record<string, string>>> | undefined;
        const options = {
          noCrossNamespaceRefs: deps.noCrossNamespaceRefs,
          labelsOf: () => (labels ??= labelsOf(deps.client, event, lifetime.signal)),
        };
        for (const alert of await alerts.current(clock.now()))
          if (await wants(alert, event, options)) tell(alert, event);
      } catch (error) {
        if (!lifetime.signal.aborted) logger.warn(`an event reaches no Alert: ${errorMessage(error)}`);
      }
    },
    flush: async () => void (await Promise.all([...lines.values()].map(({ tail }) => tail))),
    close: () => lifetime.abort(new DOMException('the alerts are closed', 'AbortError')),
  };
}

interface Line {
  tail: Promise<unknown>;
  length: number;
}

/** The Alerts of the cluster, read when events need them. */
class AlertList {
  private readonly deps: AlertDeps;
  private readonly signal: AbortSignal;
  private reading: Promise<readonly Alert[]> = Promise.resolve([]);
  private freshUntil = 0;

  constructor(deps: AlertDeps, signal: AbortSignal) {
    this.deps = deps;
    this.signal = signal;
  }

  current(now: number): Promise<readonly Alert[]> {
    if (now < this.freshUntil) return this.reading;
    this.freshUntil = now + alertsHoldMs;
    this.reading = this.read(now);
    return this.reading;
  }

  private async read(now: number): Promise<readonly Alert[]> {
    const { client, namespace, logger } = this.deps;
    try {
      const scope = namespace === undefined ? {} : { namespace };
      return (await client.list<Alert>(kindRef(AlertKind), { ...scope, signal: this.signal })).items;
    } catch (error) {
      this.freshUntil = now + noAlertsHoldMs;
      if (!isMillraceError(error, 'KUBE_KIND_NOT_SERVED') && !this.signal.aborted)
        logger.warn(`the Alerts cannot be read: ${errorMessage(error)}`);
      return [];
    }
  }
}

function eventId(
  { metadata, spec }: Alert,
  { involvedObject, severity, reason, message, metadata: facts }: Notification,
) {
  const { kind, namespace, name, uid } = involvedObject;
  const to = [metadata.namespace, spec.providerRef.name];
  return sha256Hex(JSON.stringify([to, kind, namespace, name, uid, severity, reason, message, facts]));
}

async function labelsOf(client: KubeClient, { involvedObject }: Notification, signal: AbortSignal) {
  const { apiVersion = '', kind = '', namespace, name = '' } = involvedObject;
  const ref = { apiVersion, kind, name, ...(namespace === undefined ? {} : { namespace }) };
  return (await client.get(ref, { signal }))?.metadata.labels ?? {};
}

/** False where the Provider wants nothing. */
async function send(deps: AlertDeps, key: ObjectKey, event: Notification, signal: AbortSignal): Promise<boolean> {
  const { client, http, logger } = deps;
  const provider = await client.get<Provider>({ ...kindRef(ProviderKind), ...key }, { signal });
  if (provider === undefined) throw new MillraceError('TRANSPORT_OPTIONS', 'there is no such Provider');
  const { spec } = provider;
  if (spec.suspend === true) return false;
  if (!isSupported(spec.type)) {
    logger.info(`Provider ${formatKey(key)} is of type ${spec.type}; told are ${supportedTypes.join(', ')}`);
    return false;
  }
  const message = messageFor(provider, event, await secretOf(client, provider, signal));
  const transport = await transportOf(provider, client, signal);
  const proxy = spec.proxy === undefined ? undefined : { proxy: { http: spec.proxy, https: spec.proxy } };
  const options = transport ?? proxy;
  const own = options === undefined ? undefined : http.derive(options);
  try {
    const timeoutMs = spec.timeout === undefined ? defaultTimeoutMs : parseDuration(spec.timeout);
    await deliver(own ?? http, message, timeoutMs, signal);
    return true;
  } finally {
    await own?.close({ force: true });
  }
}

async function secretOf(client: KubeClient, { metadata, spec }: Provider, signal: AbortSignal) {
  if (spec.secretRef === undefined) return new Map<string, string>();
  const key = { namespace: metadata.namespace ?? '', name: spec.secretRef.name };
  const secret = await readSecret(client, key, signal);
  if (secret === undefined) throw new MillraceError('TRANSPORT_OPTIONS', `secret '${formatKey(key)}' not found`);
  return secret.data;
}

/** Posts a message; no answer, 429 and 5xx are tried again. */
async function deliver(http: HttpClient, message: Message, timeoutMs: number, signal: AbortSignal): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const failure = await withDeadline(signal, timeoutMs, 'a message', (limited) => post(http, message, limited)).catch(
      (error: unknown) => ({ error, isPassing: !signal.aborted }),
    );
    if (failure === undefined) return;
    if (!failure.isPassing || attempt === attempts) throw failure.error;
    await sleep(backoffDelayMs(attempt, delays), signal);
  }
}

interface Failure {
  error: unknown;
  isPassing: boolean;
}

async function post(http: HttpClient, message: Message, signal: AbortSignal): Promise<Failure | undefined> {
  const { url, headers, body, saysWhetherOk } = message;
  const response = await http.send({ method: 'POST', url, headers, body, signal }).catch((error: unknown) => {
    // Not the address: that of a chat's webhook is a secret.
    const { cause } = error as Error;
    throw new MillraceError(
      'HTTP_UNREACHABLE',
      `no answer from ${new URL(url).host}: ${errorMessage(cause ?? 'timeout')}`,
    );
  });
  const text = await response.text(64 * 1024);
  const { status } = response;
  if (status >= 300) return failureOf(`the endpoint answered ${status}`, status === 429 || status >= 500);
  if (!saysWhetherOk) return undefined;
  const answer: unknown = JSON.parse(text);
  const isOk = isRecord(answer) && answer['ok'] === true;
  return isOk ? undefined : failureOf(`Slack answered ${textAt(answer, 'error') ?? 'without a reason'}`, false);
}

function failureOf(message: string, isPassing: boolean): Failure {
  return { error: new MillraceError('HTTP_STATUS', message), isPassing };
}
