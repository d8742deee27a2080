import { isRecord } from '../base/json.ts';
import { type FieldSpec, stepsOf } from './field-spec.ts';

interface Node {
  children: Map<string, Node>;
  /** Entries whose path ends here. */
  ends: number[];
}

/**
 * Hundreds of places, few of which an object has: by the steps of their paths, so that one walk finds those. `entries` are given
 * back in their order.
 */
export class FieldTree<T extends { spec: FieldSpec }> {
  private readonly entries: readonly T[];
  private readonly root: Node = { children: new Map(), ends: [] };

  constructor(entries: readonly T[]) {
    this.entries = entries;
    for (const [index, { spec }] of entries.entries()) {
      let node = this.root;
      for (const step of stepsOf(spec)) {
        const next = node.children.get(step) ?? { children: new Map(), ends: [] };
        node.children.set(step, next);
        node = next;
      }
      node.ends.push(index);
    }
  }

  /** The entries whose paths lead somewhere, at least as far as to a list or to what should be none. */
  of(object: unknown): readonly T[] {
    const found: number[] = [];
    collect(this.root, object, found);
    return found.sort((a, b) => a - b).flatMap((index) => this.entries[index] ?? []);
  }
}

function collect(node: Node, value: unknown, found: number[]): void {
  if (!isRecord(value)) {
    if (value !== null && value !== undefined) collectAll(node, found);
    else found.push(...node.ends);
    return;
  }
  found.push(...node.ends);
  for (const [step, child] of node.children) {
    if (step === '' || step.endsWith('[]')) collectAll(child, found);
    else if (Object.hasOwn(value, step)) collect(child, value[step], found);
  }
}

function collectAll({ children, ends }: Node, found: number[]): void {
  found.push(...ends);
  for (const child of children.values()) collectAll(child, found);
}
