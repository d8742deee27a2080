import { AwsFault } from './fault.ts';

/** The form of a query-protocol request. Lists are `Name.member.1`, structures `Name.member.1.Field`. */
export class QueryParams {
  readonly #values: URLSearchParams;

  constructor(body: string) {
    this.#values = new URLSearchParams(body);
  }

  optional(name: string): string | undefined {
    return this.#values.get(name) ?? undefined;
  }

  /** Throws the fault that AWS gives for a parameter left out. */
  required(name: string): string {
    const value = this.#values.get(name);
    if (value !== null && value !== '') return value;
    const member = name.charAt(0).toLowerCase() + name.slice(1);
    throw new AwsFault(
      'ValidationError',
      `1 validation error detected: Value null at '${member}' failed to satisfy constraint: Member must not be null`,
    );
  }

  number(name: string): number | undefined {
    const value = this.optional(name);
    if (value === undefined) return undefined;
    if (!/^-?\d+$/.test(value)) throw new AwsFault('MalformedInput', `${name} is not a number`);
    return Number(value);
  }

  boolean(name: string): boolean {
    return this.optional(name)?.toLowerCase() === 'true';
  }

  list(name: string): string[] {
    const values: string[] = [];
    for (let i = 1; ; i++) {
      const value = this.optional(`${name}.member.${i}`);
      if (value === undefined) return values;
      values.push(value);
    }
  }

  /** A list of structures, of which the named string fields are read. */
  structures<F extends string>(name: string, fields: readonly F[]): Record<F, string>[] {
    const values: Record<F, string>[] = [];
    for (let i = 1; ; i++) {
      const entries = fields.map((field) => [field, this.optional(`${name}.member.${i}.${field}`)] as const);
      if (entries.every(([, value]) => value === undefined)) return values;
      values.push(Object.fromEntries(entries.map(([field, value]) => [field, value ?? ''])) as Record<F, string>);
    }
  }
}
