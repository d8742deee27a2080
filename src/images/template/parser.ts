import type { Node, Operand, ParsedTemplate, Pipe } from './ast.ts';
import { type Token, tokenize } from './lexer.ts';
import { TemplateSyntaxError } from './template-error.ts';

/** Parses a template in the syntax of Go's text/template. `isFunction` knows the names that may be called. */
export function parseTemplate(source: string, isFunction: (name: string) => boolean): ParsedTemplate {
  return new Parser(tokenize(source), isFunction).run();
}

const blockWords = ['if', 'range', 'with', 'define', 'block'];

interface Body {
  nodes: Node[];
  /** The word that ended it; undefined at the end of the template. */
  end: string | undefined;
}

class Parser {
  private readonly tokens: readonly Token[];
  private readonly isFunction: (name: string) => boolean;
  private readonly named = new Map<string, Node[]>();
  private position = 0;
  private variables: string[] = ['$'];
  private rangeDepth = 0;

  constructor(tokens: readonly Token[], isFunction: (name: string) => boolean) {
    this.tokens = tokens;
    this.isFunction = isFunction;
  }

  run(): ParsedTemplate {
    const { nodes, end } = this.parseBody();
    if (end !== undefined) throw this.fault(`unexpected {{${end}}}`);
    return { main: nodes, named: this.named };
  }

  private parseBody(): Body {
    const nodes: Node[] = [];
    for (let token = this.next(); token !== undefined; token = this.next()) {
      if (token.kind === 'text') {
        nodes.push({ kind: 'text', text: token.text });
        continue;
      }
      this.skipSpace();
      const word = this.peek()?.kind === 'identifier' ? this.peek()?.text : undefined;
      if (word === 'end' || word === 'else') {
        this.next();
        return { nodes, end: word };
      }
      nodes.push(...this.parseAction(word));
    }
    return { nodes, end: undefined };
  }

  private parseAction(word: string | undefined): Node[] {
    if (word !== undefined && blockWords.includes(word)) {
      this.next();
      if (word === 'define') return this.parseDefine();
      if (word === 'block') return [this.parseBlock()];
      return [this.parseControl(word as 'if' | 'range' | 'with')];
    }
    if (word === 'template') {
      this.next();
      const name = this.takeString('template clause');
      const pipe = this.atClose() ? undefined : this.parsePipe();
      this.takeClose();
      return [{ kind: 'template', name, pipe }];
    }
    if (word === 'break' || word === 'continue') {
      if (this.rangeDepth === 0) throw this.fault(`{{${word}}} outside {{range}}`);
      this.next();
      this.takeClose();
      return [{ kind: word }];
    }
    const pipe = this.parsePipe();
    this.takeClose();
    return [{ kind: 'action', pipe }];
  }

  private parseControl(kind: 'if' | 'range' | 'with'): Node {
    const outer = this.variables.length;
    const pipe = this.parsePipe(kind === 'range' ? 2 : 1);
    this.takeClose();
    if (kind === 'range') this.rangeDepth++;
    const body = this.parseBody();
    if (kind === 'range') this.rangeDepth--;
    const otherwise = body.end === 'else' ? this.parseElse(kind) : [];
    if (body.end === undefined) throw this.fault('unexpected EOF');
    if (body.end === 'end') this.takeClose();
    this.variables.length = outer;
    return { kind, pipe, body: body.nodes, otherwise };
  }

  /** `else`, `else if …` or `else with …`, up to the common `end`. */
  private parseElse(kind: 'if' | 'range' | 'with'): Node[] {
    this.skipSpace();
    const word = this.peek()?.text;
    if (this.peek()?.kind === 'identifier' && word === kind && kind !== 'range') {
      this.next();
      return [this.parseControl(kind)];
    }
    this.takeClose();
    const { nodes, end } = this.parseBody();
    if (end !== 'end') throw this.fault(end === undefined ? 'unexpected EOF' : `expected end; found {{${end}}}`);
    this.takeClose();
    return nodes;
  }

  private parseDefine(): Node[] {
    const name = this.takeString('define clause');
    this.takeClose();
    this.named.set(name, this.parseNamedBody('define'));
    return [];
  }

  private parseBlock(): Node {
    const name = this.takeString('block clause');
    const pipe = this.parsePipe();
    this.takeClose();
    this.named.set(name, this.parseNamedBody('block'));
    return { kind: 'template', name, pipe };
  }

  private parseNamedBody(what: string): Node[] {
    const outer = this.variables;
    this.variables = ['$'];
    const { nodes, end } = this.parseBody();
    if (end !== 'end') throw this.fault(`unexpected end of {{${what}}}`);
    this.takeClose();
    this.variables = outer;
    return nodes;
  }

  private parsePipe(maxVariables = 1): Pipe {
    const { variables, assigns } = this.parseDeclaration(maxVariables);
    const commands: Operand[][] = [];
    for (;;) {
      const command = this.parseCommand();
      if (command.length === 0)
        throw this.fault(commands.length === 0 ? 'missing value for command' : 'missing value after |');
      commands.push(command);
      if (!this.takeSymbol('|')) break;
    }
    for (const command of commands.slice(1)) {
      if (command[0]?.kind === 'literal') throw this.fault(`non executable command in pipeline stage 2`);
    }
    if (!assigns) this.variables.push(...variables);
    return { variables, assigns, commands };
  }

  /** `$x :=`, `$x =`, `$k, $v :=`; nothing where the pipe declares nothing. */
  private parseDeclaration(maxVariables: number): { variables: string[]; assigns: boolean } {
    const start = this.position;
    const variables: string[] = [];
    for (;;) {
      this.skipSpace();
      const token = this.peek();
      if (token?.kind !== 'variable') break;
      this.next();
      variables.push(token.text);
      this.skipSpace();
      if (this.takeSymbol(',') && variables.length < maxVariables) continue;
      if (this.takeSymbol(':=')) return { variables, assigns: false };
      if (this.takeSymbol('=')) {
        for (const name of variables) this.requireVariable(name);
        return { variables, assigns: true };
      }
      break;
    }
    this.position = start;
    return { variables: [], assigns: false };
  }

  private parseCommand(): Operand[] {
    const operands: Operand[] = [];
    for (;;) {
      this.skipSpace();
      const operand = this.parseOperand();
      if (operand === undefined) return operands;
      operands.push(operand);
      const next = this.peek();
      const isEnd =
        next === undefined || next.kind === 'space' || next.kind === 'close' || next.text === '|' || next.text === ')';
      if (!isEnd) throw this.fault(`unexpected ${JSON.stringify(next.text)} in operand`);
    }
  }

  private parseOperand(): Operand | undefined {
    const token = this.peek();
    if (token === undefined) throw this.fault('unclosed action');
    switch (token.kind) {
      case 'identifier':
        this.next();
        return this.parseWord(token.text);
      case 'dot':
        this.next();
        return { kind: 'dot' };
      case 'field':
        return { kind: 'field', path: this.takePath() };
      case 'variable':
        this.next();
        this.requireVariable(token.text);
        return { kind: 'variable', name: token.text, path: this.takePath() };
      case 'string':
        this.next();
        return { kind: 'literal', value: token.text };
      case 'char':
        this.next();
        return { kind: 'literal', value: BigInt(token.text.codePointAt(0) ?? 0) };
      case 'number':
        this.next();
        return { kind: 'literal', value: this.parseNumber(token.text) };
      default:
        return token.text === '(' ? this.parseParen() : undefined;
    }
  }

  private parseParen(): Operand {
    this.next();
    const pipe = this.parsePipe();
    this.skipSpace();
    if (!this.takeSymbol(')')) throw this.fault('unclosed left paren');
    return { kind: 'paren', pipe, path: this.takePath() };
  }

  private parseWord(word: string): Operand {
    if (word === 'true' || word === 'false') return { kind: 'literal', value: word === 'true' };
    if (word === 'nil') return { kind: 'nil' };
    if (!this.isFunction(word)) throw this.fault(`function ${JSON.stringify(word)} not defined`);
    return { kind: 'function', name: word };
  }

  private parseNumber(text: string): bigint | number {
    const plain = text.replaceAll('_', '');
    const sign = plain.startsWith('-') ? -1 : 1;
    const digits = plain.replace(/^[+-]/, '');
    if (/^0[0-7]+$/.test(digits)) return BigInt(sign) * BigInt(`0o${digits.slice(1)}`);
    if (/^(?:0[xXbBoO][0-9a-fA-F]+|[0-9]+)$/.test(digits)) return BigInt(sign) * BigInt(digits);
    const value = sign * Number(digits);
    if (Number.isNaN(value)) throw this.fault(`bad number syntax: ${JSON.stringify(text)}`);
    return value;
  }

  private takePath(): string[] {
    const path: string[] = [];
    for (let token = this.peek(); token?.kind === 'field'; token = this.peek()) {
      path.push(token.text.slice(1));
      this.next();
    }
    return path;
  }

  private takeString(context: string): string {
    this.skipSpace();
    const token = this.next();
    if (token?.kind !== 'string') throw this.fault(`unexpected ${JSON.stringify(token?.text ?? 'EOF')} in ${context}`);
    return token.text;
  }

  private takeClose(): void {
    this.skipSpace();
    const token = this.next();
    if (token?.kind !== 'close') throw this.fault(`unexpected ${JSON.stringify(token?.text ?? 'EOF')} in command`);
  }

  private atClose(): boolean {
    this.skipSpace();
    return this.peek()?.kind === 'close';
  }

  private takeSymbol(text: string): boolean {
    this.skipSpace();
    const token = this.peek();
    if (token?.kind !== 'symbol' || token.text !== text) return false;
    this.position++;
    return true;
  }

  private requireVariable(name: string): void {
    if (!this.variables.includes(name)) throw this.fault(`undefined variable ${JSON.stringify(name)}`);
  }

  private skipSpace(): void {
    while (this.peek()?.kind === 'space') this.position++;
  }

  private peek(): Token | undefined {
    return this.tokens[this.position];
  }

  private next(): Token | undefined {
    return this.tokens[this.position++];
  }

  private fault(message: string): TemplateSyntaxError {
    const token = this.tokens[Math.min(this.position, this.tokens.length - 1)];
    return new TemplateSyntaxError(token?.line ?? 1, message);
  }
}
