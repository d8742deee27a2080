const suffixes: Readonly<Record<string, [base: bigint, exponent: number]>> = {
  n: [10n, -9],
  u: [10n, -6],
  m: [10n, -3],
  '': [10n, 0],
  k: [10n, 3],
  M: [10n, 6],
  G: [10n, 9],
  T: [10n, 12],
  P: [10n, 15],
  E: [10n, 18],
  Ki: [1024n, 1],
  Mi: [1024n, 2],
  Gi: [1024n, 3],
  Ti: [1024n, 4],
  Pi: [1024n, 5],
  Ei: [1024n, 6],
};

const decimalNames = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E'];
const binaryNames = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];

interface Quantity {
  /** The value in billionths, rounded up as Kubernetes rounds. */
  nano: bigint;
  form: 'decimal' | 'binary' | 'exponent';
}

/** Parses a resource quantity (`500m`, `1Gi`, `1e3`); undefined for anything else. */
export function parseQuantity(text: string): Quantity | undefined {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:([eE][+-]?\d+)|([numkMGTPE]|[KMGTPE]i)?)$/.exec(text);
  if (match === null) return undefined;
  const [, sign, whole = '', fraction = '', exponent, suffix = ''] = match;
  if (whole === '' && fraction === '') return undefined;
  const digits = BigInt(`${whole}${fraction}` || '0');
  const known = exponent === undefined ? suffixes[suffix] : ([10n, Number(exponent.slice(1))] as const);
  if (known === undefined) return undefined;
  const [base, power] = known;
  // value = digits / 10^fraction * base^power, counted in billionths.
  let nominator = digits * 10n ** 9n;
  let denominator = 10n ** BigInt(fraction.length);
  if (power >= 0) nominator *= base ** BigInt(power);
  else denominator *= base ** BigInt(-power);
  const nano = (nominator + denominator - 1n) / denominator;
  const form = exponent !== undefined ? 'exponent' : suffix.endsWith('i') ? 'binary' : 'decimal';
  return { nano: sign === '-' ? -nano : nano, form };
}

/** The canonical text of a quantity, as the API prints it back: `0.5` → `500m`, `1024Mi` → `1Gi`, `1000m` → `1`. */
export function canonicalQuantity(value: string | number): string | undefined {
  const quantity = parseQuantity(String(value));
  if (quantity === undefined) return undefined;
  const { nano, form } = quantity;
  if (nano === 0n) return '0';
  const billion = 10n ** 9n;
  if (form === 'binary' && nano % billion === 0n) {
    let count = nano / billion;
    // Below 1024 a binary quantity is printed like a decimal one.
    if (count >= 1024n || count <= -1024n) {
      let step = 0;
      while (step < binaryNames.length - 1 && count % 1024n === 0n) {
        count /= 1024n;
        step++;
      }
      return `${count}${binaryNames[step]}`;
    }
  }
  let count = nano;
  let step = 0;
  while (step < decimalNames.length - 1 && count % 1000n === 0n) {
    count /= 1000n;
    step++;
  }
  if (form === 'exponent') return step === 3 ? String(count) : `${count}e${(step - 3) * 3}`;
  return `${count}${decimalNames[step]}`;
}

/** Compares two quantities; undefined where one is not a quantity. */
export function compareQuantities(a: string | number, b: string | number): number | undefined {
  const left = parseQuantity(String(a));
  const right = parseQuantity(String(b));
  if (left === undefined || right === undefined) return undefined;
  return left.nano < right.nano ? -1 : left.nano > right.nano ? 1 : 0;
}

/** A quantity in billionths; 0 for anything that is none. */
export function quantityOf(value: unknown): bigint {
  return (
    (typeof value === 'string' || typeof value === 'number' ? parseQuantity(String(value))?.nano : undefined) ?? 0n
  );
}

/** Billionths as a quantity: amounts of memory and storage in powers of two, everything else in powers of ten. */
export function quantityText(nano: bigint, resource: string): string {
  const whole = nano / 10n ** 9n;
  const isBinary = /memory|storage/.test(resource) && nano % 10n ** 9n === 0n && whole % 1024n === 0n;
  return canonicalQuantity(isBinary ? `${whole / 1024n}Ki` : `${nano}n`) ?? '0';
}
