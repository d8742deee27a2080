import { expect, test } from 'vitest';
import { matchesEvent } from './event-pattern.ts';

const event = {
  source: 'aws.ecr',
  'detail-type': 'ECR Image Action',
  detail: { 'action-type': 'PUSH', result: 'SUCCESS', 'repository-name': 'apps/mainapp', size: 5, tags: ['a', 'b'] },
};

// EventBridge user guide, "Comparison operators for use in event patterns".
test.each<[Record<string, unknown>, boolean]>([
  [{}, true],
  [{ source: ['aws.ecr'] }, true],
  [{ source: ['aws.s3', 'aws.ecr'] }, true],
  [{ source: ['aws.s3'] }, false],
  [{ source: 'aws.ecr' }, false],
  [{ source: ['aws.ecr'], detail: { 'action-type': ['PUSH'], result: ['SUCCESS'] } }, true],
  [{ detail: { 'action-type': ['DELETE'] } }, false],
  [{ detail: { 'repository-name': [{ prefix: 'apps/' }] } }, true],
  [{ detail: { 'repository-name': [{ prefix: 'zenler/' }] } }, false],
  [{ detail: { 'repository-name': [{ suffix: '/mainapp' }] } }, true],
  [{ detail: { 'repository-name': [{ wildcard: 'apps/*app' }] } }, true],
  [{ detail: { 'repository-name': [{ 'equals-ignore-case': 'APPS/mainapp' }] } }, true],
  [{ detail: { 'repository-name': [{ 'anything-but': ['apps/mainapp'] }] } }, false],
  [{ detail: { 'repository-name': [{ 'anything-but': { prefix: 'zenler/' } }] } }, true],
  [{ detail: { 'image-tag': [{ exists: false }] } }, true],
  [{ detail: { 'action-type': [{ exists: false }] } }, false],
  [{ detail: { size: [{ numeric: ['>', 0, '<=', 5] }] } }, true],
  [{ detail: { size: [{ numeric: ['<', 5] }] } }, false],
  [{ detail: { tags: ['b'] } }, true],
  [{ detail: { missing: ['x'] } }, false],
  [{ $or: [{ source: ['x'] }, { detail: { result: ['SUCCESS'] } }] }, true],
  [{ detail: { 'repository-name': [{ unknown: 'x' }] } }, false],
])('%j: %s', (pattern, want) => expect(matchesEvent(pattern, event)).toBe(want));
