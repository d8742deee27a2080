import { crds } from '../../src/api/crds.ts';
import { deepEqual, isRecord, valueAt } from '../../src/base/json.ts';
import type { CaseResult, Suite } from './suite.ts';

interface RecordedCrd {
  name: string;
  annotations: Record<string, string>;
  group: string;
  scope: string;
  names: Record<string, unknown>;
  versions: { name: string; schema: Record<string, unknown>; additionalPrinterColumns: unknown }[];
}

/** Every recorded CRD beside ours of that name; versions of ours that were not recorded are additions. */
export const fluxCrds: Suite = {
  file: 'flux-crds.json',
  bar: 1,
  run: async (data) => (data as RecordedCrd[]).map(compare),
};

function compare(recorded: RecordedCrd): CaseResult {
  const ours = crds().find(({ metadata }) => metadata.name === recorded.name);
  const result = { id: recorded.name, area: recorded.group };
  if (ours === undefined) return { ...result, passed: false, detail: 'we have no such CRD' };
  const versions = valueAt(ours, 'spec', 'versions') as { name: string; schema: { openAPIV3Schema: unknown } }[];
  const differences = [
    ...differ('annotations', recorded.annotations ?? {}, ours.metadata.annotations ?? {}),
    ...differ('names', recorded.names, valueAt(ours, 'spec', 'names')),
    ...differ('scope', recorded.scope, valueAt(ours, 'spec', 'scope')),
    ...recorded.versions.flatMap((version) => {
      const own = versions.find(({ name }) => name === version.name);
      if (own === undefined) return [`${version.name} is missing`];
      const { schema, ...rest } = version;
      const { schema: ownSchema, ...ownRest } = own;
      const recordedSchema = isRecord(schema['openAPIV3Schema']) ? schema['openAPIV3Schema'] : schema;
      return [...differ(version.name, rest, ownRest), ...differ('', recordedSchema, ownSchema.openAPIV3Schema)];
    }),
  ];
  return { ...result, passed: differences.length === 0, detail: differences.join('\n') };
}

/** Paths at which two values differ; lists that are sets in a schema compare without order. */
function differ(path: string, want: unknown, got: unknown): string[] {
  if (isRecord(want) && isRecord(got)) {
    return [...new Set([...Object.keys(want), ...Object.keys(got)])].flatMap((key) =>
      differ(`${path}.${key}`, want[key], got[key]),
    );
  }
  const sorted = (value: unknown) =>
    Array.isArray(value) && /\.(required|enum|shortNames|categories)$/.test(path) ? [...value].sort() : value;
  return deepEqual(sorted(want), sorted(got))
    ? []
    : [`${path}: want ${JSON.stringify(want)}, got ${JSON.stringify(got)}`];
}
