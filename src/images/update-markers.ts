import { lineAt, type MarkedScalar, type ObjectIdentity, scanMarkers } from './marked-scalars.ts';
import { formatScalar } from './scalar-text.ts';
import { type PolicyRefs, setterValue } from './setter-marker.ts';

/** One scalar that was given a new value. */
export interface MarkerChange {
  /** The marker's value: `namespace:policy`, with `:tag`, `:name` or `:digest`. */
  setter: string;
  old: string;
  new: string;
  /** Line of the scalar, counted from 1. */
  line: number;
  object: ObjectIdentity;
}

export interface MarkerUpdate {
  /** The file's text, byte for byte the old one except for the changed scalars. */
  text: string;
  changes: MarkerChange[];
  /** Why the file was skipped as a whole, as Flux skips it silently: it does not parse, for example. */
  problem?: string;
}

/** Whether markers in a file of this name count: `.yaml`, `.yml`, or `Kustomization` (spec/image.md §7.1). */
export function isMarkerFile(fileName: string): boolean {
  const base = fileName.slice(fileName.lastIndexOf('/') + 1);
  return base === 'Kustomization' || /\.ya?ml$/.test(base);
}

/**
 * Writes what the policies chose wherever a setter marker names them (spec/image.md §7). Only the bytes of the changed
 * scalars differ: comments, quotes, blank lines, line ends, byte order mark and a missing final newline stay. Markers
 * that name no policy of `policies` are left alone, and so is every file whose name does not count.
 */
export function updateMarkers(fileName: string, text: string, policies: PolicyRefs): MarkerUpdate {
  if (!isMarkerFile(fileName) || !text.includes('"$imagepolicy"')) return { text, changes: [] };
  const scan = scanMarkers(text);
  if (scan.kind === 'problem') return { text, changes: [], problem: scan.problem };
  let result = '';
  let copied = 0;
  const changes: MarkerChange[] = [];
  for (const scalar of scan.scalars) {
    const chosen = chooseSetter(scalar, policies);
    if (chosen === undefined || chosen.value === scalar.value) continue;
    result += text.slice(copied, scalar.start) + formatScalar(chosen.value, scalar, text);
    copied = scalar.end;
    const line = lineAt(text, scalar.start);
    changes.push({ setter: chosen.setter, old: scalar.value, new: chosen.value, line, object: scalar.object });
  }
  return { text: result + text.slice(copied), changes };
}

function chooseSetter(scalar: MarkedScalar, policies: PolicyRefs): { setter: string; value: string } | undefined {
  for (const setter of scalar.setters) {
    const value = setterValue(setter, policies);
    if (value !== undefined) return { setter, value };
  }
  return undefined;
}
