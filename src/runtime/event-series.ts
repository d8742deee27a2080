/**
 * Decides how an occurrence is written: as an event of its own, as one more of an earlier event, or not at all. The
 * rules are those of client-go's correlator: equal events are counted; past ten different messages in ten minutes they
 * become one "combined" event; an object may burst to 25 events and then gets one every five minutes.
 */
export interface EventSeries {
  place(occurrence: Occurrence): Placement | undefined;
  /** The server no longer has the event that an occurrence was counted on. */
  forget(placement: Placement): void;
}

export interface Occurrence {
  /** Identifies object and reporter. */
  source: string;
  type: string;
  reason: string;
  message: string;
  /** Milliseconds since the epoch. */
  at: number;
}

export interface Placement {
  key: string;
  message: string;
  /** Name of the event to write or to count up; chosen by the caller at its first occurrence. */
  record: { eventName: string | undefined; count: number; firstAt: number };
}

const remembered = 4096;
const combineAfter = 10;
const combineWithinMs = 10 * 60_000;
const burst = 25;
const refillMs = 5 * 60_000;

export function createEventSeries(): EventSeries {
  const records = newRecent<Placement['record']>();
  const similar = newRecent<{ messages: Set<string>; lastAt: number }>();
  const allowances = newRecent<{ left: number; at: number }>();

  const mayReport = ({ source, at }: Occurrence): boolean => {
    const before = allowances.get(source) ?? { left: burst, at };
    const left = Math.min(burst, before.left + (at - before.at) / refillMs);
    allowances.set(source, { left: left < 1 ? left : left - 1, at });
    return left >= 1;
  };
  const isCombined = ({ source, type, reason, message, at }: Occurrence): boolean => {
    const key = `${source}|${type}|${reason}`;
    const known = similar.get(key);
    const group =
      known !== undefined && at - known.lastAt < combineWithinMs ? known : { messages: new Set<string>(), lastAt: at };
    group.lastAt = at;
    if (group.messages.size < combineAfter) group.messages.add(message);
    similar.set(key, group);
    return group.messages.size >= combineAfter;
  };

  return {
    place(occurrence) {
      if (!mayReport(occurrence)) return undefined;
      const { source, type, reason, at } = occurrence;
      const combined = isCombined(occurrence);
      const message = combined ? `(combined from similar events): ${occurrence.message}` : occurrence.message;
      const key = combined ? `${source}|${type}|${reason}` : `${source}|${type}|${reason}|${message}`;
      const record = records.get(key) ?? { eventName: undefined, count: 0, firstAt: at };
      record.count++;
      records.set(key, record);
      return { key, message, record };
    },
    forget({ key }) {
      records.delete(key);
    },
  };
}

/** A map that drops what was not touched for longest. */
function newRecent<T>() {
  const entries = new Map<string, T>();
  return {
    get: (key: string) => entries.get(key),
    set(key: string, value: T) {
      entries.delete(key);
      entries.set(key, value);
      if (entries.size > remembered) {
        const [oldest] = entries.keys();
        if (oldest !== undefined) entries.delete(oldest);
      }
    },
    delete: (key: string) => void entries.delete(key),
  };
}
