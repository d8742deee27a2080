import type { MillraceError } from '../base/error.ts';
import { parseFirstDocument } from '../yaml/documents.ts';
import { lineOf } from '../yaml/locate.ts';
import { buildError } from './build-error.ts';
import type { FieldPath } from './decode.ts';

export interface Configuration {
  value: unknown;
  /** The file and, where it can be found, the line of a place in it. */
  locate(path: FieldPath): string;
  /** An error that names the file and, where it can be found, the line of the place. */
  fault(path: FieldPath, what: string, hint?: string): MillraceError;
}

/**
 * A configuration text as kustomize's own decoder (sigs.k8s.io/yaml) reads it: the first document, in YAML 1.1. Unless it is
 * `strict`, of keys given twice the last counts. Throws YAML_INVALID.
 */
export function parseConfiguration(text: string, path: string, { strict = false } = {}): Configuration {
  const locate = (place: FieldPath) => {
    const line = lineOf(text, place);
    return line === undefined ? path : `${path}:${line}`;
  };
  return {
    value: parseFirstDocument(text, path, { oldBooleans: true, lastKeyWins: !strict }),
    locate,
    fault: (place, what, hint) => buildError(locate(place), what, hint),
  };
}
