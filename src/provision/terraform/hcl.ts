/** A small writer of HCL, in the layout of `terraform fmt`. */

/** An expression that is written as it stands: a reference, a function call, a template. */
export class Expression {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export function expression(text: string): Expression {
  return new Expression(text);
}

export type Value =
  | string
  | number
  | boolean
  | null
  | Expression
  | readonly Value[]
  | { readonly [key: string]: Value | undefined };

export interface Block {
  type: string;
  labels: readonly string[];
  /** Lines above the block, without their `#`. */
  comment?: string;
  attributes: Readonly<Record<string, Value | undefined>>;
  blocks: readonly Block[];
}

/** A block; attributes that are undefined are left out. */
export function block(
  type: string,
  labels: readonly string[],
  attributes: Readonly<Record<string, Value | undefined>> = {},
  blocks: readonly (Block | undefined)[] = [],
): Block {
  return { type, labels, attributes, blocks: blocks.filter((inner) => inner !== undefined) };
}

export function commented(comment: string, inner: Block): Block {
  return { ...inner, comment };
}

/** A file of blocks. */
export function printFile(blocks: readonly Block[]): string {
  return `${blocks.map((each) => printBlock(each, '').join('\n')).join('\n\n')}\n`;
}

function printBlock({ type, labels, comment, attributes, blocks }: Block, indent: string): string[] {
  const head = [type, ...labels.map((label) => quote(label))].join(' ');
  const inner = `${indent}  `;
  const groups = [printAttributes(attributes, inner), ...blocks.map((each) => printBlock(each, inner))];
  const body = groups
    .filter((lines) => lines.length > 0)
    .flatMap((lines, index) => (index === 0 ? lines : ['', ...lines]));
  const comments = comment === undefined ? [] : comment.split('\n').map((line) => `${indent}# ${line}`);
  return body.length === 0
    ? [...comments, `${indent}${head} {}`]
    : [...comments, `${indent}${head} {`, ...body, `${indent}}`];
}

/** Attributes on one line are aligned; one of several lines stands by itself, which is how `terraform fmt` leaves it. */
function printAttributes(attributes: Readonly<Record<string, Value | undefined>>, indent: string): string[] {
  const groups: [name: string, lines: string[]][][] = [];
  let alone = true;
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined) continue;
    const lines = printValue(value, indent);
    const single = lines.length === 1;
    if (single && !alone) groups.at(-1)?.push([name, lines]);
    else groups.push([[name, lines]]);
    alone = !single;
  }
  return groups.flatMap((group, index) => {
    const width = Math.max(...group.map(([name]) => name.length));
    const printed = group.flatMap(([name, [first = '', ...rest]]) => [
      `${indent}${name.padEnd(width)} = ${first}`,
      ...rest,
    ]);
    return index === 0 ? printed : ['', ...printed];
  });
}

/** A value as lines; the first one follows the `=`. */
function printValue(value: Value, indent: string): string[] {
  if (value instanceof Expression)
    return value.text.split('\n').map((line, index) => (index === 0 || line === '' ? line : indent + line));
  if (Array.isArray(value)) return printList(value as readonly Value[], indent);
  if (typeof value === 'object' && value !== null)
    return printObject(value as Record<string, Value | undefined>, indent);
  return [typeof value === 'string' ? quote(value) : String(value)];
}

const lineWidth = 100;

function printList(items: readonly Value[], indent: string): string[] {
  const inner = `${indent}  `;
  const printed = items.map((item) => printValue(item, inner));
  const short = `[${printed.map(([line = '']) => line).join(', ')}]`;
  if (printed.every((lines) => lines.length === 1) && short.length <= lineWidth) return [short];
  const lines = printed.flatMap(([first = '', ...rest]) => {
    const all = [inner + first, ...rest];
    return [...all.slice(0, -1), `${all.at(-1)},`];
  });
  return ['[', ...lines, `${indent}]`];
}

function printObject(value: Record<string, Value | undefined>, indent: string): string[] {
  const quoted = Object.entries(value).map(([key, inner]) => [/^[A-Za-z_][\w-]*$/.test(key) ? key : quote(key), inner]);
  const lines = printAttributes(Object.fromEntries(quoted), `${indent}  `);
  return lines.length === 0 ? ['{}'] : ['{', ...lines, `${indent}}`];
}

/** A string literal in which nothing is a template. */
export function quote(text: string): string {
  const escaped = text
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll('\t', '\\t')
    .replaceAll(/([$%])\{/g, '$1$1{');
  return `"${escaped}"`;
}

/** A value wrapped in a function call: `yamlencode({ … })`. */
export function call(name: string, value: Value): Expression {
  return expression(`${name}(${printValue(value, '').join('\n')})`);
}
