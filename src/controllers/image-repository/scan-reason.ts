import type { ImageRepository } from '../../api/image-repository.ts';
import { parseDuration } from '../../base/duration.ts';
import { openRequest } from '../../runtime/request.ts';

export interface ScanFacts {
  canonicalName: string;
  exclusionList: readonly string[];
  /** Whether tags of this very image are stored. */
  hasTags: boolean;
  /** Whether the last listing was not believed. */
  isSuspect: boolean;
  now: number;
}

/** Whether a scan is due and why; otherwise the milliseconds until the next one (spec/image.md §2.6). */
export type ScanDecision = { due: true; reason: string } | { due: false; inMs: number };

export function decideScan(object: ImageRepository, facts: ScanFacts): ScanDecision {
  const { status } = object;
  const last = status?.lastScanResult;
  if (last?.scanTime === undefined) return { due: true, reason: 'first scan' };
  if (openRequest(object) !== undefined) return { due: true, reason: 'reconcile requested' };
  if (facts.canonicalName !== status?.canonicalImageName) return { due: true, reason: 'new image name' };
  if (!sameSet(facts.exclusionList, status.observedExclusionList ?? [])) {
    return { due: true, reason: 'updated exclusion list' };
  }
  if (!facts.hasTags) return { due: true, reason: 'no tags in database' };
  if (facts.isSuspect) return { due: true, reason: 'suspect listing' };
  const inMs = parseDuration(object.spec.interval, 'spec.interval') - (facts.now - Date.parse(last.scanTime));
  return inMs < 1000 ? { due: true, reason: 'triggered by interval' } : { due: false, inMs };
}

const defaultExclusions = ['^.*\\.sig$'];

/** The patterns in force: an empty list means the default. */
export function effectiveExclusions({ spec }: { spec: { exclusionList?: string[] | undefined } }): string[] {
  return spec.exclusionList === undefined || spec.exclusionList.length === 0 ? defaultExclusions : spec.exclusionList;
}

function sameSet(a: readonly string[], b: readonly string[]): boolean {
  const left = new Set(a);
  const right = new Set(b);
  return left.size === right.size && [...left].every((value) => right.has(value));
}
