/** More than any sane nesting; within flow collections and quoted texts the width of an indentation means nothing. */
const pad = ' '.repeat(200);
/** Lines of a text that may be indented too little. */
const mostRepairs = 2000;

/**
 * Parses a text, and where a line within `[…]`, `{…}` or quotes is indented less than its surroundings, which go-yaml accepts
 * and the specification does not, parses it again with that line indented. Throws what the parser throws.
 */
export function tolerantly<T>(text: string, parse: (text: string) => T): T {
  let source = text;
  for (let repairs = 0; ; repairs++) {
    try {
      return parse(source);
    } catch (error) {
      const start = lineToIndent(error, source);
      if (start === undefined || repairs >= mostRepairs) throw error;
      source = source.slice(0, start) + pad + source.slice(start);
    }
  }
}

interface IndentationFault {
  reason?: string;
  mark?: { position?: number };
}

function lineToIndent(error: unknown, source: string): number | undefined {
  const { reason, mark } = error as IndentationFault;
  if (reason !== 'deficient indentation' || mark?.position === undefined) return undefined;
  const start = source.lastIndexOf('\n', mark.position - 1) + 1;
  return source.startsWith(pad, start) ? undefined : start;
}
