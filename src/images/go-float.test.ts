import { expect, test } from 'vitest';
import { parseGoFloat } from './go-float.ts';

test.each([
  ['5.', 5],
  ['.5', 0.5],
  ['+1e3', 1000],
  ['0x1p4', 16],
  ['-0x.8p1', -1],
  ['0x_1p4', 16],
  ['1_000', 1000],
  ['1e1_0', 1e10],
  ['Inf', Number.POSITIVE_INFINITY],
  ['-iNFINITY', Number.NEGATIVE_INFINITY],
  ['NaN', Number.NaN],
  ['1e-400', 0],
  ['0x1p-1074', 5e-324],
  ['007', 7],
])('%s is %d', (text, want) => expect(parseGoFloat(text)).toBe(want));

test.each([
  '',
  ' 1',
  '1 ',
  '0x10',
  '0b11',
  '1__0',
  '_1',
  '1_',
  '1_.0',
  '1,000',
  '10n',
  '1e400',
  '0x1p5000',
  '-nan',
  'infi',
  '.',
  'e5',
  '1e',
  '--1',
])('%j is no number', (text) => expect(parseGoFloat(text)).toBeUndefined());
