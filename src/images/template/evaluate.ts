import type { Node, Operand, ParsedTemplate, Pipe } from './ast.ts';
import type { FunctionTable } from './functions/function-table.ts';
import { TemplateExecutionError } from './template-error.ts';
import { GoMap, GoStruct, isList, isTruthy, noValue, printValue, typeName, type Value } from './value.ts';

/** Limits on what a template may cost: it is run for every commit. */
const maxOutput = 1 << 20;
const maxSteps = 1_000_000;
const maxDepth = 200;

/** Executes a template over its data. Throws TemplateExecutionError. */
export function executeTemplate(template: ParsedTemplate, data: Value, functions: FunctionTable): string {
  const evaluator = new Evaluator(template, functions);
  evaluator.run(template.main, data, [['$', data]]);
  return evaluator.output;
}

type Signal = 'break' | 'continue' | undefined;
/** Variables in scope, innermost last; entries are assigned to in place. */
type Scope = [name: string, value: Value][];

class Evaluator {
  output = '';
  private readonly template: ParsedTemplate;
  private readonly functions: FunctionTable;
  private steps = 0;
  private depth = 0;

  constructor(template: ParsedTemplate, functions: FunctionTable) {
    this.template = template;
    this.functions = functions;
  }

  run(nodes: readonly Node[], dot: Value, scope: Scope): Signal {
    for (const node of nodes) {
      this.spend(1);
      const signal = this.runNode(node, dot, scope);
      if (signal !== undefined) return signal;
    }
    return undefined;
  }

  private runNode(node: Node, dot: Value, scope: Scope): Signal {
    switch (node.kind) {
      case 'text':
        this.write(node.text);
        return undefined;
      case 'action': {
        const value = this.evaluatePipe(node.pipe, dot, scope);
        if (node.pipe.variables.length === 0) this.write(printValue(value));
        return undefined;
      }
      case 'if':
      case 'with': {
        const inner: Scope = [...scope];
        const value = this.evaluatePipe(node.pipe, dot, inner);
        if (!isTruthy(value)) return this.run(node.otherwise, dot, inner);
        return this.run(node.body, node.kind === 'with' ? value : dot, inner);
      }
      case 'range':
        return this.runRange(node, dot, scope);
      case 'template':
        return this.runTemplate(node.name, node.pipe === undefined ? null : this.evaluatePipe(node.pipe, dot, scope));
      default:
        return node.kind;
    }
  }

  private runRange(node: Extract<Node, { kind: 'range' }>, dot: Value, scope: Scope): Signal {
    const { variables, assigns } = node.pipe;
    const value = this.evaluatePipe({ ...node.pipe, variables: [] }, dot, scope);
    const items = rangeItems(value);
    if (items.length === 0) return this.run(node.otherwise, dot, [...scope]);
    for (const [key, item] of items) {
      this.spend(1);
      const inner: Scope = [...scope];
      const values = variables.length === 2 ? [key, item] : [item];
      for (const [index, name] of variables.entries()) this.bind(name, values[index] ?? null, inner, assigns);
      if (this.run(node.body, item, inner) === 'break') break;
    }
    return undefined;
  }

  private runTemplate(name: string, data: Value): undefined {
    const nodes = this.template.named.get(name);
    if (nodes === undefined) throw new TemplateExecutionError(`template ${JSON.stringify(name)} not defined`);
    if (++this.depth > maxDepth) throw new TemplateExecutionError('exceeded maximum template depth');
    this.run(nodes, data, [['$', data]]);
    this.depth--;
  }

  private evaluatePipe(pipe: Pipe, dot: Value, scope: Scope): Value {
    let result: { value: Value } | undefined;
    for (const command of pipe.commands)
      result = { value: this.evaluateCommand(command, { dot, scope, final: result }) };
    const value = result?.value ?? null;
    for (const name of pipe.variables) this.bind(name, value, scope, pipe.assigns);
    return value;
  }

  private bind(name: string, value: Value, scope: Scope, assigns: boolean): void {
    const existing = assigns ? scope.findLast(([known]) => known === name) : undefined;
    if (existing !== undefined) existing[1] = value;
    else scope.push([name, value]);
  }

  private evaluateCommand(command: readonly Operand[], context: CommandContext): Value {
    const [first, ...rest] = command;
    if (first === undefined) throw new Error('a command without operands');
    if (first.kind === 'function') return this.call(first.name, rest, context);
    if (rest.length > 0 || context.final !== undefined) {
      throw new TemplateExecutionError(`can't give argument to non-function ${describe(first)}`);
    }
    return this.evaluateOperand(first, context);
  }

  private call(name: string, operands: readonly Operand[], context: CommandContext): Value {
    const lazy = operands.map((operand) => () => this.evaluateOperand(operand, context));
    if (context.final !== undefined) {
      const { value } = context.final;
      lazy.push(() => value);
    }
    // `and` and `or` stop at the argument that decides.
    if (name === 'and' || name === 'or') {
      let value: Value = noValue;
      for (const argument of lazy) {
        value = argument();
        if (isTruthy(value) === (name === 'or')) return value;
      }
      return value;
    }
    const result = this.functions.call(
      name,
      lazy.map((argument) => argument()),
    );
    this.spend(costOf(result));
    return result;
  }

  private evaluateOperand(operand: Operand, context: CommandContext): Value {
    const { dot, scope } = context;
    switch (operand.kind) {
      case 'literal':
        return operand.value;
      case 'dot':
        return dot;
      case 'nil':
        return null;
      case 'function':
        return this.functions.call(operand.name, []);
      case 'field':
        return readPath(dot, operand.path);
      case 'variable': {
        const found = scope.findLast(([name]) => name === operand.name);
        if (found === undefined) throw new TemplateExecutionError(`undefined variable: ${operand.name}`);
        return readPath(found[1], operand.path);
      }
      case 'paren':
        return readPath(this.evaluatePipe(operand.pipe, dot, scope), operand.path);
    }
  }

  private spend(steps: number): void {
    this.steps += steps;
    if (this.steps > maxSteps) throw new TemplateExecutionError('the template takes too many steps');
  }

  private write(text: string): void {
    this.output += text;
    if (this.output.length > maxOutput) throw new TemplateExecutionError('the output is too long');
  }
}

/** What a function made counts as well: a loop over long lists costs more than its turns. */
function costOf(value: Value): number {
  if (typeof value === 'string') return 1 + value.length / 64;
  return isList(value) ? 1 + value.length : 1;
}

interface CommandContext {
  dot: Value;
  scope: Scope;
  /** The result of the command before the `|`. */
  final: { value: Value } | undefined;
}

function rangeItems(value: Value): (readonly [Value, Value])[] {
  if (value === null || value === noValue) return [];
  if (isList(value)) return value.map((item, index) => [BigInt(index), item]);
  if (value instanceof GoMap) return [...value.entries];
  if (typeof value === 'bigint') {
    if (value > BigInt(maxSteps)) throw new TemplateExecutionError('the template takes too many steps');
    return Array.from({ length: Number(value) }, (_, index) => [BigInt(index), BigInt(index)]);
  }
  throw new TemplateExecutionError(`range can't iterate over ${printValue(value)}`);
}

function readPath(start: Value, path: readonly string[]): Value {
  let value = start;
  for (const name of path) value = readField(value, name);
  return value;
}

function readField(value: Value, name: string): Value {
  if (value instanceof GoMap) return value.get(name);
  if (value instanceof GoStruct) {
    if (Object.hasOwn(value.fields, name)) return value.fields[name] ?? null;
    value.onMissing?.(name);
  }
  if (value === null) throw new TemplateExecutionError(`nil pointer evaluating interface {}.${name}`);
  throw new TemplateExecutionError(`can't evaluate field ${name} in type ${typeName(value)}`);
}

function describe(operand: Operand): string {
  if (operand.kind === 'field') return `.${operand.path.join('.')}`;
  if (operand.kind === 'variable') return [operand.name, ...operand.path].join('.');
  return operand.kind;
}
