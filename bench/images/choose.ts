import { selectTag } from '../../src/images/select-tag.ts';
import { measure, median, report } from './report.ts';

const barMs = 150;

/** Tags as a busy repository has them: releases, candidates, builds of branches, in no particular order. */
export function busyTags(count: number): string[] {
  return Array.from({ length: count }, (_, index) => {
    const number = (index * 7919) % count;
    if (index % 10 === 0) return `main-${(number * 2654435761).toString(16).slice(-7)}-${1_600_000_000 + number}`;
    const version = `${Math.floor(number / 10_000)}.${Math.floor(number / 100) % 100}.${number % 100}`;
    return index % 3 === 0 ? `v${version}-rc.${index % 7}` : `v${version}`;
  });
}

export async function benchChoose(): Promise<void> {
  const tags = busyTags(100_000);
  const filters = {
    pattern: { pattern: '^v[0-9]+\\.[0-9]+\\.[0-9]+$' },
    'pattern and extract': { pattern: '^v(?P<version>[0-9]+\\.[0-9]+\\.[0-9]+)$', extract: '$version' },
    'unanchored pattern and extract': { pattern: 'v([0-9.]+)', extract: '${1}' },
  };
  for (const [name, filterTags] of Object.entries(filters)) {
    const runs: number[] = [];
    for (let run = 0; run < 5; run++) {
      runs.push(await measure(() => selectTag({ policy: { semver: { range: '>=1.0.0' } }, filterTags }, tags)));
    }
    report(`choose among 100,000 tags, ${name}: first run`, runs[0] ?? 0, barMs);
    report(`choose among 100,000 tags, ${name}: median`, median(runs), barMs);
  }
}
