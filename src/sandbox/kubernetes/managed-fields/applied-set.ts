import type { SchemaNode } from '../../../api/builtin/schema-node.ts';
import { isRecord } from '../../../base/json.ts';
import { descend, type FieldSet, type FieldSetBuilder, finish, newBuilder } from './field-set.ts';
import { fieldNode, formatPath, isOpen, itemElement, itemNode, missingKey, shapeOf } from './typed-value.ts';

/** The fields that a value sets, and what in it does not fit the schema. */
export interface AppliedSet {
  set: FieldSet;
  /** Texts such as `.spec.bogus: field not declared in schema`. */
  faults: string[];
}

/** Walks an applied configuration once: collects the fields that it claims and checks it against the schema. */
export function appliedSetOf(node: SchemaNode, value: unknown): AppliedSet {
  const root = newBuilder();
  const faults: string[] = [];
  walk(node, value, root, [], faults);
  return { set: finish(root), faults };
}

function walk(node: SchemaNode, value: unknown, at: FieldSetBuilder, path: string[], faults: string[]): void {
  const fault = typeFault(node, value);
  if (fault !== undefined) {
    faults.push(`${formatPath(path)}: ${fault}`);
    return;
  }
  const shape = shapeOf(node, value);
  if (shape === 'leaf') {
    at.member = true;
    checkInside(node, value, path, faults);
  } else if (shape === 'map') walkMap(node, value, at, path, faults);
  else walkList(node, value, at, path, faults);
}

function walkMap(node: SchemaNode, value: unknown, at: FieldSetBuilder, path: string[], faults: string[]): void {
  if (!isRecord(value)) return;
  for (const key in value) {
    const child = fieldNode(node, key);
    path.push(`f:${key}`);
    if (child === undefined) faults.push(`${formatPath(path)}: field not declared in schema`);
    else {
      const item = value[key];
      const below = descend(at, `f:${key}`);
      walk(child, item, below, path, faults);
      if (item === null || isEmptyRecord(item) || node.properties?.[key] === undefined) below.member = true;
    }
    path.pop();
  }
}

function isEmptyRecord(value: unknown): boolean {
  if (!isRecord(value)) return false;
  for (const _ in value) return false;
  return true;
}

function walkList(node: SchemaNode, value: unknown, at: FieldSetBuilder, path: string[], faults: string[]): void {
  if (!Array.isArray(value)) return;
  const items = itemNode(node);
  const seen = new Set<string>();
  value.forEach((item: unknown, index) => {
    const element = itemElement(node, item);
    if (element === undefined) {
      faults.push(`${formatPath(path)}: ${missingKeyFault(node, item, index)}`);
      return;
    }
    if (seen.has(element)) {
      faults.push(`${formatPath(path)}: duplicate entries for key ${formatPath([element])}`);
      return;
    }
    seen.add(element);
    const below = descend(at, element);
    path.push(element);
    walk(items, item, below, path, faults);
    path.pop();
    below.member = true;
  });
}

function missingKeyFault(node: SchemaNode, item: unknown, index: number): string {
  const key = missingKey(node, item) ?? '';
  return `element ${index}: associative list with keys has an element that omits key field "${key}" (and doesn't have default value)`;
}

/** What is inside an atomic value is not claimed field by field, yet it has to fit the schema. */
function checkInside(node: SchemaNode, value: unknown, path: string[], faults: string[]): void {
  if (Array.isArray(value)) {
    const items = itemNode(node);
    value.forEach((item, index) => {
      checkValue(items, item, [...path, `i:${index}`], faults);
    });
  } else if (isRecord(value)) {
    for (const [key, item] of Object.entries(value)) {
      const child = fieldNode(node, key);
      if (child === undefined) faults.push(`${formatPath([...path, `f:${key}`])}: field not declared in schema`);
      else checkValue(child, item, [...path, `f:${key}`], faults);
    }
  }
}

function checkValue(node: SchemaNode, value: unknown, path: string[], faults: string[]): void {
  const fault = typeFault(node, value);
  if (fault !== undefined) faults.push(`${formatPath(path)}: ${fault}`);
  else checkInside(node, value, path, faults);
}

function typeFault(node: SchemaNode, value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined;
  switch (node.type) {
    case 'string':
      if (typeof value === 'string' || node.format === 'date-time') return undefined;
      return `expected string, got ${describe(value)}`;
    case 'integer':
    case 'number':
      return typeof value === 'number' || typeof value === 'bigint'
        ? undefined
        : `expected numeric (int or float), got ${goType(value)}`;
    case 'boolean':
      return typeof value === 'boolean' ? undefined : `expected boolean, got ${describe(value)}`;
    case 'array':
      return Array.isArray(value) ? undefined : `expected list, got ${describe(value)}`;
    case 'object':
      return isRecord(value) || isOpen(node) ? undefined : `expected map, got ${describe(value)}`;
    default:
      return undefined;
  }
}

function describe(value: unknown): string {
  return `&{${typeof value === 'string' ? value : JSON.stringify(value)}}`;
}

function goType(value: unknown): string {
  if (typeof value === 'string') return 'string';
  if (typeof value === 'boolean') return 'bool';
  return Array.isArray(value) ? '[]interface {}' : 'map[string]interface {}';
}
