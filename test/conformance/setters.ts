import { type PolicyRefs, updateMarkers } from '../../src/images/index.ts';
import type { CaseResult, Suite } from './suite.ts';

interface SetterCase {
  id: string;
  source: string;
  policies: PolicyRefs;
  fileName?: string;
  file: string;
  expected: string;
  changed: boolean;
  changes?: { setter: string; old: string; new: string }[];
}

export const settersSuite: Suite = {
  file: 'setters.json',
  bar: 1,
  async run(data) {
    return (data as SetterCase[]).map(runCase);
  },
};

function runCase({ id, source, policies, fileName, file, expected, changed, changes }: SetterCase): CaseResult {
  const got = updateMarkers(fileName ?? 'f.yaml', file, policies);
  const sameChanges = changes === undefined || changeSet(changes) === changeSet(got.changes);
  const passed = got.text === expected && got.changes.length > 0 === changed && sameChanges;
  return {
    id,
    area: source,
    passed,
    detail: `${JSON.stringify(got)}\nwanted\n${JSON.stringify({ expected, changes })}`,
  };
}

function changeSet(changes: { setter: string; old: string; new: string }[]): string {
  return JSON.stringify(
    [...new Set(changes.map((change) => JSON.stringify([change.setter, change.old, change.new])))].sort(),
  );
}
