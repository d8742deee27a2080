import type { Value } from './value.ts';

export type Node =
  | { kind: 'text'; text: string }
  | { kind: 'action'; pipe: Pipe }
  | { kind: 'if' | 'with'; pipe: Pipe; body: Node[]; otherwise: Node[] }
  | { kind: 'range'; pipe: Pipe; body: Node[]; otherwise: Node[] }
  | { kind: 'template'; name: string; pipe: Pipe | undefined }
  | { kind: 'break' | 'continue' };

/** Commands joined by `|`, and the variables that take the result. */
export interface Pipe {
  variables: string[];
  /** `=` instead of `:=`. */
  assigns: boolean;
  commands: Operand[][];
}

export type Operand =
  | { kind: 'literal'; value: Value }
  | { kind: 'dot' }
  | { kind: 'nil' }
  | { kind: 'function'; name: string }
  | { kind: 'field'; path: string[] }
  | { kind: 'variable'; name: string; path: string[] }
  | { kind: 'paren'; pipe: Pipe; path: string[] };

export interface ParsedTemplate {
  main: Node[];
  /** By `define` and `block`. */
  named: ReadonlyMap<string, Node[]>;
}
