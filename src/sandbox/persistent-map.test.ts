import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { PersistentMap } from './persistent-map.ts';

let dir: string;
let file: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'millrace-map-'));
  file = join(dir, 'sub', 'map.jsonl');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** A map as the next process finds it, without the first having been closed. */
const reopened = () => new PersistentMap<unknown>(file);

test('what was set is there after a kill, what was deleted is not', () => {
  const map = new PersistentMap<unknown>(file);
  map.set('a', { n: 1 });
  map.set('b', 'zwei\n');
  map.set('a', { n: 2 });
  expect(map.delete('b')).toBe(true);
  expect(map.delete('b')).toBe(false);
  expect([...reopened().entries()]).toEqual([['a', { n: 2 }]]);
});

test('a line that was cut short is dropped, and what follows is kept', () => {
  new PersistentMap<unknown>(file).set('a', 1);
  appendFileSync(file, '["b",{"half');
  const map = reopened();
  expect([...map.keys()]).toEqual(['a']);
  map.set('c', 3);
  expect([...reopened().entries()]).toEqual([
    ['a', 1],
    ['c', 3],
  ]);
});

test('the file does not grow with changes', () => {
  const map = new PersistentMap<unknown>(file);
  for (let i = 0; i < 5000; i++) map.set('counter', i);
  expect(readFileSync(file, 'utf8').split('\n').length).toBeLessThan(1100);
  expect(reopened().get('counter')).toBe(4999);
});

test('nobody else can read it, and a closed one takes nothing', () => {
  const map = new PersistentMap<unknown>(file);
  expect(statSync(file).mode & 0o077).toBe(0);
  map.close();
  expect(() => map.set('a', 1)).toThrow('is closed');
});
