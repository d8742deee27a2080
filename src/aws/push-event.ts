import { isRecord } from '../base/json.ts';

/** A tag was pushed to an ECR repository. */
export interface PushEvent {
  /** Unique; the same event can be delivered more than once. */
  id: string;
  account: string;
  region: string;
  repository: string;
  tag: string;
  /** Milliseconds since the epoch. */
  time: number;
}

/**
 * Reads an EventBridge event of ECR (spec/provisioning.md §10). Undefined for anything else: deletions, failed pushes,
 * pushes without a tag (the parts of a multi-arch image), other events.
 */
export function parsePushEvent(body: string): PushEvent | undefined {
  let event: unknown;
  try {
    event = JSON.parse(body);
  } catch {
    return undefined;
  }
  if (!isRecord(event) || event['source'] !== 'aws.ecr' || event['detail-type'] !== 'ECR Image Action')
    return undefined;
  const detail = isRecord(event['detail']) ? event['detail'] : {};
  if (detail['action-type'] !== 'PUSH' || detail['result'] !== 'SUCCESS') return undefined;
  const text = (value: unknown) => (typeof value === 'string' ? value : '');
  const push: PushEvent = {
    id: text(event['id']),
    account: text(event['account']),
    region: text(event['region']),
    repository: text(detail['repository-name']),
    tag: text(detail['image-tag']),
    time: Date.parse(text(event['time'])) || 0,
  };
  return push.repository === '' || push.tag === '' ? undefined : push;
}
