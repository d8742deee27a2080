import { expect, test } from 'vitest';
import { parsePushEvent } from './push-event.ts';
import { regionOfQueue } from './push-queue.ts';

const event = (detail: object = {}, rest: object = {}) =>
  JSON.stringify({
    version: '0',
    id: '13cde686',
    'detail-type': 'ECR Image Action',
    source: 'aws.ecr',
    account: '111122223333',
    time: '2026-01-16T01:54:34Z',
    region: 'eu-west-1',
    resources: [],
    detail: {
      result: 'SUCCESS',
      'repository-name': 'apps/mainapp',
      'image-digest': 'sha256:1',
      'action-type': 'PUSH',
      'image-tag': '1.4.2',
      ...detail,
    },
    ...rest,
  });

test('a push of a tag is understood', () => {
  expect(parsePushEvent(event())).toEqual({
    id: '13cde686',
    account: '111122223333',
    region: 'eu-west-1',
    repository: 'apps/mainapp',
    tag: '1.4.2',
    time: Date.UTC(2026, 0, 16, 1, 54, 34),
  });
});

test.each([
  ['a deletion', event({ 'action-type': 'DELETE' })],
  ['a failure', event({ result: 'FAILURE' })],
  ['a part of a multi-arch image', event({ 'image-tag': '' })],
  ['another event', event({}, { 'detail-type': 'ECR Image Scan' })],
  ['another source', event({}, { source: 'aws.ec2' })],
  ['no JSON', 'hello'],
])('%s is passed over', (_, body) => expect(parsePushEvent(body)).toBeUndefined());

test.each([
  ['https://sqs.eu-west-1.amazonaws.com/111122223333/ecr', 'eu-west-1'],
  ['https://eu-central-1.queue.amazonaws.com/111122223333/ecr', 'eu-central-1'],
  ['http://127.0.0.1:4566/000000000000/ecr', undefined],
])('the region of %s is %s', (url, region) => expect(regionOfQueue(url)).toBe(region));
