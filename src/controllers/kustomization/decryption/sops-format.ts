import { dump } from 'js-yaml';
import { isRecord } from '../../../base/json.ts';
import { parseDocuments } from '../../../yaml/documents.ts';
import { parseDotenv, printDotenv } from './dotenv.ts';
import { parseIni, printIni } from './ini.ts';
import { sopsError } from './sops-error.ts';
import { unflattenMetadata } from './sops-metadata.ts';
import { asJson } from './sops-value.ts';

export type SopsFormat = 'yaml' | 'json' | 'dotenv' | 'ini' | 'binary';

/** What a file of each format holds when SOPS has encrypted it (spec/kustomization.md §5). */
const markers: readonly (readonly [SopsFormat, string])[] = [
  ['json', '"mac": "ENC['],
  ['yaml', 'mac: ENC['],
  ['dotenv', 'sops_mac=ENC['],
  ['ini', '[sops]'],
];

/** The format of encrypted data by its marker; undefined for what SOPS has not encrypted. */
export function detectFormat(data: Buffer): SopsFormat | undefined {
  return markers.find(([, marker]) => data.includes(marker))?.[0];
}

export function isEncryptedAs(format: SopsFormat, data: Buffer): boolean {
  const marker = markers.find(([name]) => name === (format === 'binary' ? 'json' : format))?.[1];
  return marker !== undefined && data.includes(marker);
}

const formatOfSuffix: Readonly<Record<string, SopsFormat>> = {
  yaml: 'yaml',
  yml: 'yaml',
  json: 'json',
  dockerconfigjson: 'json',
  env: 'dotenv',
  ini: 'ini',
};

/** By the end of a file's or a key's name; anything else is binary. */
export function formatOfName(name: string): SopsFormat {
  return formatOfSuffix[name.slice(name.lastIndexOf('.') + 1)] ?? 'binary';
}

/** Encrypted content: documents without their metadata, of which there is one block for all. */
export interface EncryptedContent {
  documents: Record<string, unknown>[];
  metadata: unknown;
}

/** Throws SOPS_DECRYPTION_FAILED or YAML_INVALID. */
export function parseEncrypted(data: Buffer, format: SopsFormat): EncryptedContent {
  const text = data.toString('utf8');
  switch (format) {
    case 'dotenv': {
      const { sops, rest } = partition(parseDotenv(text), 'sops_');
      return { documents: [rest], metadata: unflattenMetadata(sops) };
    }
    case 'ini': {
      const { sops, ...rest } = parseIni(text);
      return { documents: [rest], metadata: unflattenMetadata(sops ?? {}) };
    }
    default: {
      const found = parseDocuments(text, 'encrypted data').filter(isRecord);
      const metadata = found.find((document) => document['sops'] !== undefined)?.['sops'];
      return { documents: found.map(({ sops: _, ...rest }) => rest), metadata };
    }
  }
}

/** Decrypted content in the format that is asked for, whatever it was read from. */
export function printPlain(documents: readonly Record<string, unknown>[], format: SopsFormat): Buffer {
  const [first = {}] = documents;
  switch (format) {
    case 'binary': {
      const data = first['data'];
      if (Buffer.isBuffer(data)) return data;
      if (typeof data === 'string') return Buffer.from(data);
      throw sopsError(
        "failed to emit encrypted data as decrypted binary: no binary data found in tree, 'data' is missing",
      );
    }
    case 'json':
      return Buffer.from(JSON.stringify(asJson(first), null, '\t'));
    case 'yaml':
      return Buffer.from(
        documents.map((document) => dump(asJson(document), { indent: 4, lineWidth: -1, noRefs: true })).join('---\n'),
      );
    case 'dotenv':
      return Buffer.from(printDotenv(first));
    case 'ini':
      return Buffer.from(printIni(first));
  }
}

function partition(entries: Record<string, string>, prefix: string) {
  const sops: Record<string, string> = {};
  const rest: Record<string, string> = {};
  for (const [key, value] of Object.entries(entries)) {
    if (key.startsWith(prefix)) sops[key.slice(prefix.length)] = value;
    else rest[key] = value;
  }
  return { sops, rest };
}
