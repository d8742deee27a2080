/** One object of a bucket, as a listing has it. */
export interface S3Object {
  key: string;
  /** Without its quotes; opaque. */
  etag: string;
  /** Bytes. */
  size: number;
}

export interface S3Page {
  objects: S3Object[];
  /** For the next page; undefined on the last one. */
  next: string | undefined;
}

/**
 * A page of ListObjectsV2 (Amazon S3 API reference). Values in it hold no `<`, so that elements end where they seem to.
 * Throws an Error for what is no such page: a listing that is read in part must not pass for a whole one.
 */
export function parseListing(xml: string): S3Page {
  if (!/<ListBucketResult[\s>]/.test(xml) || !/<\/ListBucketResult>\s*$/.test(xml)) {
    throw new Error('the answer is no listing of a bucket');
  }
  const isEncoded = textOf(xml, 'EncodingType') === 'url';
  const objects = [...xml.matchAll(/<Contents>([\s\S]*?)<\/Contents>/g)].map(([, entry = '']) => {
    const key = textOf(entry, 'Key');
    const size = Number(textOf(entry, 'Size'));
    if (key === undefined || !Number.isSafeInteger(size)) throw new Error('an entry of the listing has no key or size');
    const etag = (textOf(entry, 'ETag') ?? '').replace(/^"|"$/g, '');
    return { key: isEncoded ? decodeURIComponent(key.replaceAll('+', ' ')) : key, etag, size };
  });
  const next = textOf(xml, 'NextContinuationToken');
  const isTruncated = textOf(xml, 'IsTruncated') === 'true';
  if (isTruncated && next === undefined) throw new Error('the listing is cut off and names no next page');
  return { objects, next: isTruncated ? next : undefined };
}

/** `Code: Message` of an error document; undefined for anything else. */
export function parseError(xml: string): { code: string; message: string; region: string | undefined } | undefined {
  if (!/<Error[\s>]/.test(xml)) return undefined;
  return { code: textOf(xml, 'Code') ?? '', message: textOf(xml, 'Message') ?? '', region: textOf(xml, 'Region') };
}

/** The text of the first element of a name. */
export function textOf(xml: string, name: string): string | undefined {
  const start = xml.indexOf(`<${name}>`);
  if (start < 0) return undefined;
  const from = start + name.length + 2;
  const end = xml.indexOf(`</${name}>`, from);
  return end < 0 ? undefined : xml.slice(from, end).replace(entity, decodeEntity);
}

const entity = /&(?:(amp|lt|gt|quot|apos)|#(\d{1,7})|#x([0-9a-fA-F]{1,6}));/g;
const named: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function decodeEntity(whole: string, name?: string, decimal?: string, hex?: string): string {
  if (name !== undefined) return named[name] ?? whole;
  const code = decimal !== undefined ? Number(decimal) : Number.parseInt(hex ?? '', 16);
  return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
}
