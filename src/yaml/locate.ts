import { EVENT_ID, type Event, getScalarValue, parseEvents } from 'js-yaml';

/**
 * The line, counted from 1, of a place in the first document of a YAML text: of the key, or of the item of a list. Where a part of
 * the path is not there, the line of the nearest part that is; undefined where the text cannot be read.
 */
export function lineOf(text: string, path: readonly (string | number)[]): number | undefined {
  let events: Event[];
  try {
    events = parseEvents(text, {});
  } catch {
    return undefined;
  }
  const offset = new Locator(text, events).find(path);
  return offset === undefined ? undefined : text.slice(0, offset).split('\n').length;
}

/** Walks the flat events of one document. */
class Locator {
  private readonly text: string;
  private readonly events: readonly Event[];
  private next = 0;

  constructor(text: string, events: readonly Event[]) {
    this.text = text;
    this.events = events;
  }

  find(path: readonly (string | number)[]): number | undefined {
    if (this.events[0]?.type === EVENT_ID.DOCUMENT) this.next = 1;
    let found: number | undefined;
    for (const step of path) {
      const event = this.events[this.next++];
      const place =
        event?.type === EVENT_ID.MAPPING && typeof step === 'string'
          ? this.enterKey(step)
          : event?.type === EVENT_ID.SEQUENCE && typeof step === 'number'
            ? this.enterItem(step)
            : undefined;
      if (place === undefined) return found;
      found = place;
    }
    return found;
  }

  /** Moves to the value of a key and gives the offset of the key. */
  private enterKey(name: string): number | undefined {
    while (this.events[this.next]?.type !== EVENT_ID.POP) {
      const key = this.events[this.next];
      if (key === undefined) return undefined;
      if (key.type === EVENT_ID.SCALAR && getScalarValue(this.text, key).toLowerCase() === name.toLowerCase()) {
        this.next++;
        return key.valueStart;
      }
      this.skip();
      this.skip();
    }
    return undefined;
  }

  private enterItem(index: number): number | undefined {
    for (let at = 0; this.events[this.next]?.type !== EVENT_ID.POP; at++) {
      const item = this.events[this.next];
      if (item === undefined) return undefined;
      if (at === index) return startOf(item);
      this.skip();
    }
    return undefined;
  }

  /** Passes one node with all that is in it. */
  private skip(): void {
    let depth = 0;
    do {
      const event = this.events[this.next++];
      if (event === undefined) return;
      if (event.type === EVENT_ID.MAPPING || event.type === EVENT_ID.SEQUENCE) depth++;
      else if (event.type === EVENT_ID.POP) depth--;
    } while (depth > 0);
  }
}

function startOf(event: Event): number | undefined {
  if (event.type === EVENT_ID.SCALAR) return event.valueStart;
  if (event.type === EVENT_ID.MAPPING || event.type === EVENT_ID.SEQUENCE) return event.start;
  return event.type === EVENT_ID.ALIAS ? event.anchorStart : undefined;
}
