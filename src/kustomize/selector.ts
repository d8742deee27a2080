import { RE2JS } from 're2js';
import { buildError } from './build-error.ts';
import type { Resource } from './resource.ts';
import { effectiveNamespace, type GroupVersionKind } from './resource-id.ts';

/** `target` of a patch, `select` or `reject` of a replacement; all but the label selectors are patterns, anchored at both ends. */
export interface Selector {
  group?: string;
  version?: string;
  kind?: string;
  name?: string;
  namespace?: string;
  labelSelector?: string;
  annotationSelector?: string;
}

export interface CompiledSelector {
  /** True where the selector says nothing about the identity. */
  isForAnyId: boolean;
  matchesGvk(gvk: GroupVersionKind): boolean;
  matchesName(name: string): boolean;
  matchesNamespace(namespace: string): boolean;
  matchesPairs(resource: Resource): boolean;
}

/** Throws KUSTOMIZE_BUILD_FAILED for a pattern or a label selector that cannot be read. */
export function compileSelector(selector: Selector, where: string): CompiledSelector {
  const { group, version, kind, name, namespace } = selector;
  const [byGroup, byVersion, byKind] = [group, version, kind].map((pattern) => anchored(pattern, where));
  const labels = compileLabelSelector(selector.labelSelector ?? '', where);
  const annotations = compileLabelSelector(selector.annotationSelector ?? '', where);
  return {
    isForAnyId: [group, version, kind, name, namespace].every((text) => text === undefined || text === ''),
    matchesGvk: (gvk) =>
      byGroup?.(gvk.group) === true && byVersion?.(gvk.version) === true && byKind?.(gvk.kind) === true,
    matchesName: anchored(name, where),
    matchesNamespace: anchored(namespace, where),
    matchesPairs: (resource) =>
      (selector.labelSelector ? labels(resource.labels()) : true) &&
      (selector.annotationSelector ? annotations(resource.annotations()) : true),
  };
}

/** The resources that a target selects, by their first names and namespaces or the present ones. */
export function selectResources(resources: readonly Resource[], selector: Selector, where: string): Resource[] {
  const compiled = compileSelector(selector, where);
  return resources.filter((resource) => {
    const { id, originalId } = resource;
    return (
      compiled.matchesGvk(resource.gvk) &&
      (compiled.matchesNamespace(effectiveNamespace(originalId)) ||
        compiled.matchesNamespace(effectiveNamespace(id))) &&
      (compiled.matchesName(originalId.name) || compiled.matchesName(id.name)) &&
      compiled.matchesPairs(resource)
    );
  });
}

function anchored(pattern: string | undefined, where: string): (text: string) => boolean {
  if (pattern === undefined || pattern === '') return () => true;
  if (/^[\w-]+$/.test(pattern)) return (text) => text === pattern;
  const compiled = compilePattern(`^(?:${pattern})$`, pattern, where);
  return (text) => compiled.matcher(text).find();
}

/** Patterns from users run on RE2, as in kustomize. */
export function compilePattern(pattern: string, shown: string, where: string): RE2JS {
  try {
    return RE2JS.compile(pattern);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw buildError(where, `the pattern '${shown}' is not valid: ${reason}`);
  }
}

type Pairs = Readonly<Record<string, string>>;
type Requirement = (pairs: Pairs) => boolean;

/** A label selector in the syntax of Kubernetes: `a=b, c!=d, e in (f, g), !h, i > 1`. */
export function compileLabelSelector(text: string, where: string): Requirement {
  const fault = (what: string) => buildError(where, `the label selector '${text}' cannot be read: ${what}`);
  const tokens = [...text.matchAll(/\s*([(),]|==|=|!=|!|>|<|[^\s(),=!<>]+)/g)].map(([, token = '']) => token);
  if (text.trim() === '') return () => true;
  const requirements: Requirement[] = [];
  let at = 0;
  const take = () => tokens[at++] ?? '';
  const word = (what: string) => {
    const token = take();
    if (token === '' || /^[(),=!<>]/.test(token)) throw fault(`${what} is missing`);
    return token;
  };
  while (at < tokens.length) {
    requirements.push(readRequirement({ take, word, peek: () => tokens[at] ?? '', fault }));
    if (at >= tokens.length) break;
    if (take() !== ',') throw fault("requirements are divided by ','");
    if (at >= tokens.length) throw fault("it ends with ','");
  }
  return (pairs) => requirements.every((requirement) => requirement(pairs));
}

interface Reader {
  take(): string;
  peek(): string;
  word(what: string): string;
  fault(what: string): Error;
}

function readRequirement({ take, peek, word, fault }: Reader): Requirement {
  if (peek() === '!') {
    take();
    const key = labelKey(word('a key'), fault);
    return (pairs) => !Object.hasOwn(pairs, key);
  }
  const key = labelKey(word('a key'), fault);
  if (peek() === '' || peek() === ',') return (pairs) => Object.hasOwn(pairs, key);
  const operator = take();
  if (operator === '=' || operator === '==' || operator === '!=') {
    const value = peek() === '' || peek() === ',' ? '' : labelValue(word('a value'), fault);
    return operator === '!=' ? (pairs) => pairs[key] !== value : (pairs) => pairs[key] === value;
  }
  if (operator === '>' || operator === '<') {
    const limit = word('a number');
    if (!/^-?[0-9]+$/.test(limit)) throw fault(`'${limit}' is not a whole number`);
    const test = (value: bigint) => (operator === '>' ? value > BigInt(limit) : value < BigInt(limit));
    return (pairs) => /^-?[0-9]+$/.test(pairs[key] ?? '') && test(BigInt(pairs[key] ?? ''));
  }
  if (operator !== 'in' && operator !== 'notin') throw fault(`'${operator}' is no operator`);
  const values = new Set(readValues({ take, peek, word, fault }));
  return operator === 'in'
    ? (pairs) => Object.hasOwn(pairs, key) && values.has(pairs[key] ?? '')
    : (pairs) => !values.has(pairs[key] ?? '\0');
}

function readValues({ take, peek, fault }: Reader): string[] {
  if (take() !== '(') throw fault("'(' is missing");
  const values: string[] = [];
  for (;;) {
    values.push(peek() === ',' || peek() === ')' ? '' : labelValue(take(), fault));
    const next = take();
    if (next === ')') return values;
    if (next !== ',') throw fault("')' is missing");
  }
}

/** A qualified name: an optional DNS name and `/`, and up to 63 letters, digits, `-`, `_`, `.`. */
function labelKey(key: string, fault: Reader['fault']): string {
  const [name = '', prefix, ...more] = key.split('/').reverse();
  const isName = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/.test(name) && name.length <= 63;
  const isPrefix =
    prefix === undefined || /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(prefix);
  if (!isName || !isPrefix || more.length > 0) throw fault(`'${key}' is no label key`);
  return key;
}

function labelValue(value: string, fault: Reader['fault']): string {
  if (value.length > 63 || !/^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/.test(value))
    throw fault(`'${value}' is no label value`);
  return value;
}
