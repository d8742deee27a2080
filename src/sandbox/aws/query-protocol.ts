import { formatTime } from '../../base/clock.ts';
import type { AwsFault } from './fault.ts';

/** What an XML answer is made of: an object's fields become elements, a list becomes `member` elements. */
export type XmlValue =
  | string
  | number
  | boolean
  | Date
  | readonly XmlValue[]
  | { [field: string]: XmlValue | undefined };

/** `<{operation}Response>` with its result, as the query protocol answers. */
export function queryAnswer(
  namespace: string,
  operation: string,
  result: XmlValue | undefined,
  requestId: string,
): string {
  const content = result === undefined ? '' : element(`${operation}Result`, result);
  const metadata = element('ResponseMetadata', { RequestId: requestId });
  return `<${operation}Response xmlns="${namespace}">${content}${metadata}</${operation}Response>`;
}

export function queryError(namespace: string, fault: AwsFault, requestId: string): string {
  const type = fault.status >= 500 ? 'Receiver' : 'Sender';
  const error = element('Error', { Type: type, Code: fault.code, Message: fault.message });
  return `<ErrorResponse xmlns="${namespace}">${error}${element('RequestId', requestId)}</ErrorResponse>`;
}

function element(name: string, value: XmlValue): string {
  return `<${name}>${content(value)}</${name}>`;
}

function content(value: XmlValue): string {
  if (typeof value === 'string') return escapeXml(value);
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (value instanceof Date) return formatTime(value.getTime());
  if (isList(value)) return value.map((item) => element('member', item)).join('');
  return Object.entries(value)
    .map(([name, field]) => (field === undefined ? '' : element(name, field)))
    .join('');
}

function isList(value: XmlValue): value is readonly XmlValue[] {
  return Array.isArray(value);
}

function escapeXml(text: string): string {
  return text
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/"/g, '&quot;')
    .replace(/\r/g, '&#xD;');
}
