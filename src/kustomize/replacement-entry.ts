import type { Selector } from './selector.ts';

export interface FieldOptions {
  delimiter?: string;
  index?: number;
  create?: boolean;
}

/** Where the value comes from. */
export interface ReplacementSource {
  group?: string;
  version?: string;
  kind?: string;
  name?: string;
  namespace?: string;
  fieldPath?: string;
  options?: FieldOptions;
}

/** Where the value goes. */
export interface ReplacementTarget {
  select?: Selector;
  reject?: readonly Selector[];
  fieldPaths?: readonly string[];
  options?: FieldOptions;
}

export interface Replacement {
  source?: ReplacementSource;
  sourceValue?: string;
  targets?: readonly ReplacementTarget[];
}

/** An entry of `replacements`: the replacement itself, or the file that has it. */
export interface ReplacementEntry extends Replacement {
  path?: string;
}
