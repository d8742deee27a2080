import { expect, test } from 'vitest';
import { MillraceError } from './error.ts';
import { redact } from './redact.ts';

test.each([
  ['clone https://bob:s3cret@git.example.com/x.git', 'clone https://***@git.example.com/x.git'],
  ['Authorization: Basic Ym9iOnMzY3JldA==', 'Authorization: Basic ***'],
  ['token eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0x.c2ln', 'token ***'],
  ['SecretAccessKey=abc/def+123&x=1', 'SecretAccessKey=***&x=1'],
  ['plain text stays', 'plain text stays'],
])('%s', (text, want) => expect(redact(text)).toBe(want));

test('an error message is redacted when it is built', () => {
  expect(new MillraceError('BAD_INPUT', 'https://u:p@h/').message).toBe('https://***@h/');
});
