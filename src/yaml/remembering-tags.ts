import { defineMappingTag, defineScalarTag, defineSequenceTag, NOT_RESOLVED } from 'js-yaml';
import { rememberText, scalarText, setKey, WrittenScalar } from './original-text.ts';

type ScalarTag = ReturnType<typeof defineScalarTag<unknown>>;

/** A scalar tag whose values come with the text they were written as, where that is not how they would be printed. */
export function remembering(tag: ScalarTag): ScalarTag {
  return defineScalarTag<unknown>(tag.tagName, {
    implicit: tag.implicit,
    implicitFirstChars: tag.implicitFirstChars,
    resolve: (text, isExplicit, tagName) => {
      const value = tag.resolve(text, isExplicit, tagName);
      if (value === NOT_RESOLVED || scalarText(value) === text) return value;
      return new WrittenScalar(value, text);
    },
    identify: () => false,
  });
}

function unwrapped(item: unknown): unknown {
  return item instanceof WrittenScalar ? item.value : item;
}

/** Lists of plain values. */
export function sequenceOfValues() {
  return defineSequenceTag<unknown[]>('tag:yaml.org,2002:seq', {
    create: () => [],
    addItem: (list, item) => {
      list.push(unwrapped(item));
    },
    identify: Array.isArray,
  });
}

/** Mappings of plain values that remember their texts. A key that is no text is an error, as it has no form in JSON. */
export function strictMap() {
  return defineMappingTag<Record<string, unknown>>('tag:yaml.org,2002:map', {
    create: () => ({}),
    addPair: (map, key, value) => {
      if (typeof key !== 'string') return `the key ${describeKey(key)} is not a text; quote it`;
      if (value instanceof WrittenScalar) {
        setKey(map, key, value.value);
        rememberText(map, key, value);
      } else setKey(map, key, value);
      return '';
    },
    has: (map, key) => typeof key === 'string' && Object.hasOwn(map, key),
    keys: (map) => Object.keys(map),
    get: (map, key) => map[String(key)],
    identify: () => false,
  });
}

function describeKey(key: unknown): string {
  if (key instanceof WrittenScalar) return key.text === '' ? 'null' : key.text;
  return typeof key === 'object' && key !== null ? '(a collection)' : String(key);
}
