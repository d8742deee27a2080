import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../../base/clock.ts';
import { PersistentMap } from '../../persistent-map.ts';

/** A queue's settings. Numbers are seconds, as SQS has them. */
export interface QueueRecord {
  name: string;
  createdAt: number;
  attributes: Record<string, string>;
  tags: Record<string, string>;
}

export interface StoredMessage {
  id: string;
  body: string;
  sentAt: number;
  /** When it may be received (again), milliseconds since the epoch. */
  visibleAt: number;
  receives: number;
  firstReceivedAt?: number;
  attributes?: Record<string, unknown>;
  /** The handle of the last receipt; older handles no longer delete it. */
  receipt?: string;
  senderId: string;
}

/** Standard queues with their messages. */
export class QueueStore {
  readonly #dir: string;
  readonly #clock: Clock;
  readonly #queues: PersistentMap<QueueRecord>;
  readonly #messages = new Map<string, PersistentMap<StoredMessage>>();
  readonly #waiters = new Map<string, Set<() => void>>();

  constructor(dataDir: string, clock: Clock) {
    this.#dir = join(dataDir, 'messages');
    mkdirSync(this.#dir, { recursive: true, mode: 0o700 });
    this.#clock = clock;
    this.#queues = new PersistentMap(join(dataDir, 'queues.jsonl'));
  }

  get(name: string): QueueRecord | undefined {
    return this.#queues.get(name);
  }

  list(): QueueRecord[] {
    return [...this.#queues.values()];
  }

  save(queue: QueueRecord): void {
    this.#queues.set(queue.name, queue);
  }

  delete(name: string): void {
    this.#queues.delete(name);
    this.#messages.get(name)?.close();
    this.#messages.delete(name);
    rmSync(this.#file(name), { force: true });
    this.#wake(name);
  }

  purge(name: string): void {
    const messages = this.#messagesOf(name);
    for (const id of [...messages.keys()]) messages.delete(id);
  }

  send(
    queue: QueueRecord,
    message: { body: string; senderId: string; delaySeconds?: number; attributes?: Record<string, unknown> },
  ): StoredMessage {
    const now = this.#clock.now();
    const delay = message.delaySeconds ?? Number(queue.attributes['DelaySeconds'] ?? 0);
    const stored: StoredMessage = {
      id: randomUUID(),
      body: message.body,
      senderId: message.senderId,
      sentAt: now,
      visibleAt: now + delay * 1000,
      receives: 0,
      ...(message.attributes === undefined ? {} : { attributes: message.attributes }),
    };
    this.#messagesOf(queue.name).set(stored.id, stored);
    if (delay === 0) this.#wake(queue.name);
    return stored;
  }

  /** Takes up to `max` visible messages, oldest first, and hides them for `visibilitySeconds`. */
  receive(queue: QueueRecord, max: number, visibilitySeconds: number): StoredMessage[] {
    const now = this.#clock.now();
    const messages = this.#messagesOf(queue.name);
    const retentionMs = Number(queue.attributes['MessageRetentionPeriod'] ?? 345_600) * 1000;
    const taken: StoredMessage[] = [];
    for (const message of [...messages.values()]) {
      if (message.sentAt + retentionMs <= now) {
        messages.delete(message.id);
        continue;
      }
      if (message.visibleAt > now) continue;
      if (this.#moveToDeadLetters(queue, message)) continue;
      const received: StoredMessage = {
        ...message,
        receives: message.receives + 1,
        firstReceivedAt: message.firstReceivedAt ?? now,
        visibleAt: now + visibilitySeconds * 1000,
        receipt: `${message.id}:${randomUUID()}`,
      };
      messages.set(message.id, received);
      taken.push(received);
      if (taken.length === max) break;
    }
    return taken;
  }

  /** The message of a receipt handle; undefined when it was deleted or received again since. */
  findByReceipt(name: string, receipt: string): StoredMessage | undefined {
    const message = this.#messagesOf(name).get(receipt.slice(0, receipt.indexOf(':')));
    return message?.receipt === receipt ? message : undefined;
  }

  deleteMessage(name: string, id: string): void {
    this.#messagesOf(name).delete(id);
  }

  setVisibility(name: string, message: StoredMessage, seconds: number): void {
    this.#messagesOf(name).set(message.id, { ...message, visibleAt: this.#clock.now() + seconds * 1000 });
    if (seconds === 0) this.#wake(name);
  }

  /** Messages that can be received, are being processed, and are delayed. */
  count(name: string): { visible: number; inFlight: number; delayed: number } {
    const now = this.#clock.now();
    const counts = { visible: 0, inFlight: 0, delayed: 0 };
    for (const { visibleAt, receives } of this.#messagesOf(name).values()) {
      if (visibleAt <= now) counts.visible += 1;
      else if (receives > 0) counts.inFlight += 1;
      else counts.delayed += 1;
    }
    return counts;
  }

  /** When the next hidden message becomes visible; undefined when none will. */
  nextVisibleAt(name: string): number | undefined {
    const times = [...this.#messagesOf(name).values()].map(({ visibleAt }) => visibleAt);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** Calls `wake` when a message arrives; returns how to stop. */
  onArrival(name: string, wake: () => void): () => void {
    const waiters = this.#waiters.get(name) ?? new Set();
    this.#waiters.set(name, waiters.add(wake));
    return () => waiters.delete(wake);
  }

  close(): void {
    for (const messages of this.#messages.values()) messages.close();
    this.#queues.close();
  }

  #moveToDeadLetters(queue: QueueRecord, message: StoredMessage): boolean {
    const { RedrivePolicy: redrive } = queue.attributes;
    if (redrive === undefined) return false;
    const { deadLetterTargetArn = '', maxReceiveCount = 10 } = JSON.parse(redrive) as Record<string, string | number>;
    const target = this.get(String(deadLetterTargetArn).split(':').at(-1) ?? '');
    if (target === undefined || message.receives < Number(maxReceiveCount)) return false;
    const { receipt: _, ...rest } = message;
    this.#messagesOf(target.name).set(message.id, { ...rest, visibleAt: this.#clock.now() });
    this.#messagesOf(queue.name).delete(message.id);
    this.#wake(target.name);
    return true;
  }

  #wake(name: string): void {
    for (const wake of [...(this.#waiters.get(name) ?? [])]) wake();
  }

  #messagesOf(name: string): PersistentMap<StoredMessage> {
    let messages = this.#messages.get(name);
    if (messages === undefined) {
      messages = new PersistentMap(this.#file(name));
      this.#messages.set(name, messages);
    }
    return messages;
  }

  #file(name: string): string {
    return join(this.#dir, `${createHash('sha256').update(name).digest('hex').slice(0, 32)}.jsonl`);
  }
}
