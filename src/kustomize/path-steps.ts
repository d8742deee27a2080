/**
 * The steps of a path such as `spec.containers.[name=a.b].image`: dots divide, unless within brackets or after a backslash.
 * Brackets without a `=` only protect their dots and fall away.
 */
export function pathSteps(path: string): string[] {
  const parts = splitEscaped(path);
  const result: string[] = [];
  for (let index = 0; index < parts.length; index++) {
    const part = parts[index] ?? '';
    if (!part.startsWith('[') || part.endsWith(']')) {
      result.push(part);
      continue;
    }
    const bracketed = [part];
    while (index < parts.length - 1) {
      const next = parts[++index] ?? '';
      bracketed.push(next);
      if (next.endsWith(']')) break;
    }
    const joined = bracketed.join('.');
    result.push(joined.includes('=') ? joined : joined.replace(/^[[\]]+|[[\]]+$/g, ''));
  }
  return result;
}

function splitEscaped(path: string): string[] {
  const parts = path.split('.');
  if (parts.length > 1 && parts[0] === '') parts.shift();
  const result: string[] = [];
  for (const part of parts) {
    const last = result.at(-1);
    if (last?.endsWith('\\') === true) result[result.length - 1] = `${last.slice(0, -1)}.${part}`;
    else result.push(part);
  }
  return result;
}

/** `[name=nginx]`: a step that picks items of a list. */
export function isItemStep(step: string): boolean {
  return step.startsWith('[') && step.endsWith(']');
}

/** `0`, `1`, … */
export function isIndexStep(step: string): boolean {
  return /^\+?[0-9]+$/.test(step);
}

/** The field and the value of `[field=value]`; undefined where there is no `=`. */
export function itemStep(step: string): { field: string; value: string } | undefined {
  const inner = step.slice(1, -1);
  const index = inner.indexOf('=');
  return index < 0 ? undefined : { field: inner.slice(0, index), value: inner.slice(index + 1) };
}
