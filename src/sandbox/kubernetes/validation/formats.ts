/** The forms of names and keys, with the messages of the API server. Each function returns what is wrong, or undefined. */

const subdomainPattern = '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*';
const labelPattern = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const label1035Pattern = '[a-z]([-a-z0-9]*[a-z0-9])?';
const qualifiedPattern = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const labelValuePattern = `(${qualifiedPattern})?`;
const configKeyPattern = '[-._a-zA-Z0-9]+';

const whole = (pattern: string) => new RegExp(`^${pattern}$`);
const subdomain = whole(subdomainPattern);
const label = whole(labelPattern);
const label1035 = whole(label1035Pattern);
const qualified = whole(qualifiedPattern);
const labelValue = whole(labelValuePattern);
const configKey = whole(configKeyPattern);

/** `msg (e.g. 'a',  or 'b', regex used for validation is '…')`: how Kubernetes writes it, double space included. */
function explain(message: string, pattern: string, ...examples: readonly string[]): string {
  const shown = examples.map((example) => `'${example}', `).join(' or ');
  return `${message} (e.g. ${shown}regex used for validation is '${pattern}')`;
}

function longerThan(most: number): string {
  return `must be no more than ${most} characters`;
}

export function subdomainFault(name: string): string | undefined {
  if (name.length > 253) return longerThan(253);
  if (subdomain.test(name)) return undefined;
  return explain(
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
    subdomainPattern,
    'example.com',
  );
}

export function labelFault(name: string): string | undefined {
  if (name.length > 63) return longerThan(63);
  if (label.test(name)) return undefined;
  return explain(
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
    labelPattern,
    'my-name',
    '123-abc',
  );
}

export function label1035Fault(name: string): string | undefined {
  if (name.length > 63) return longerThan(63);
  if (label1035.test(name)) return undefined;
  return explain(
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
    label1035Pattern,
    'my-name',
    'abc-123',
  );
}

/** A name that may be a segment of a URL path, as those of roles. */
export function pathSegmentFault(name: string): string | undefined {
  if (name === '.' || name === '..') return `may not be '${name}'`;
  for (const bad of ['/', '%']) if (name.includes(bad)) return `may not contain '${bad}'`;
  return undefined;
}

export function qualifiedNameFault(name: string): string | undefined {
  const parts = name.split('/');
  const shape =
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
  const examples = ['MyName', 'my.name', '123-abc'];
  if (parts.length > 2) {
    const text = explain(shape.replace('name part', 'a qualified name'), qualifiedPattern, ...examples);
    return `${text} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`;
  }
  const [prefix, last] = parts.length === 2 ? parts : [undefined, parts[0]];
  if (prefix === '') return 'prefix part must be non-empty';
  const prefixFault = prefix === undefined ? undefined : subdomainFault(prefix);
  if (prefixFault !== undefined) return `prefix part ${prefixFault}`;
  if (last === undefined || last === '') return 'name part must be non-empty';
  if (last.length > 63) return `name part ${longerThan(63)}`;
  return qualified.test(last) ? undefined : explain(shape, qualifiedPattern, ...examples);
}

export function labelValueFault(value: string): string | undefined {
  if (value.length > 63) return longerThan(63);
  if (labelValue.test(value)) return undefined;
  return explain(
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
    labelValuePattern,
    'MyValue',
    'my_value',
    '12345',
  );
}

export function configKeyFault(key: string): string | undefined {
  if (key.length > 253) return longerThan(253);
  if (!configKey.test(key)) {
    return explain(
      "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
      configKeyPattern,
      'key.name',
      'KEY_NAME',
      'key-name',
    );
  }
  if (key === '.' || key === '..') return `must not be '${key}'`;
  return key.startsWith('..') ? "must not start with '..'" : undefined;
}

export function portFault(port: unknown): string | undefined {
  const inRange = typeof port === 'number' && port >= 1 && port <= 65535;
  return inRange ? undefined : 'must be between 1 and 65535, inclusive';
}
