const contextLines = 3;

/** The hunks of a unified diff between two texts, without file names. Texts of more than a few thousand differing lines are shown whole. */
export function unifiedDiff(before: string, after: string): string {
  const [a, b] = [linesOf(before), linesOf(after)];
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a.at(-1 - end) === b.at(-1 - end)) end++;
  const middle = editsBetween(a.slice(start, a.length - end), b.slice(start, b.length - end));
  const edits: Edit[] = [
    ...a.slice(0, start).map((line): Edit => [' ', line]),
    ...middle,
    ...a.slice(a.length - end).map((line): Edit => [' ', line]),
  ];
  return hunksOf(edits);
}

type Edit = readonly [mark: ' ' | '-' | '+', line: string];

function linesOf(text: string): string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}

/** By the longest common subsequence, where that is affordable. */
function editsBetween(a: readonly string[], b: readonly string[]): Edit[] {
  const removed = (): Edit[] => a.map((line) => ['-', line]);
  const added = (): Edit[] => b.map((line) => ['+', line]);
  if (a.length === 0 || b.length === 0 || a.length * b.length > 4_000_000) return [...removed(), ...added()];
  const width = b.length + 1;
  const common = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      const here = i * width + j;
      common[here] =
        a[i] === b[j]
          ? (common[here + width + 1] ?? 0) + 1
          : Math.max(common[here + width] ?? 0, common[here + 1] ?? 0);
    }
  }
  const edits: Edit[] = [];
  let [i, j] = [0, 0];
  while (i < a.length && j < b.length) {
    const here = i * width + j;
    if (a[i] === b[j]) {
      edits.push([' ', a[i] ?? '']);
      i++;
      j++;
    } else if ((common[here + width] ?? 0) >= (common[here + 1] ?? 0)) edits.push(['-', a[i++] ?? '']);
    else edits.push(['+', b[j++] ?? '']);
  }
  return [...edits, ...a.slice(i).map((line): Edit => ['-', line]), ...b.slice(j).map((line): Edit => ['+', line])];
}

function hunksOf(edits: readonly Edit[]): string {
  const near = (index: number) =>
    edits.slice(Math.max(0, index - contextLines), index + contextLines + 1).some(([mark]) => mark !== ' ');
  const out: string[] = [];
  let [oldLine, newLine] = [1, 1];
  for (let index = 0; index < edits.length; ) {
    if (!near(index)) {
      index++;
      oldLine++;
      newLine++;
      continue;
    }
    let end = index;
    while (end < edits.length && near(end)) end++;
    const hunk = edits.slice(index, end);
    const olds = hunk.filter(([mark]) => mark !== '+').length;
    const news = hunk.filter(([mark]) => mark !== '-').length;
    out.push(`@@ -${rangeOf(oldLine, olds)} +${rangeOf(newLine, news)} @@`, ...hunk.map(([mark, line]) => mark + line));
    oldLine += olds;
    newLine += news;
    index = end;
  }
  return out.length === 0 ? '' : `${out.join('\n')}\n`;
}

function rangeOf(line: number, count: number): string {
  const from = count === 0 ? line - 1 : line;
  return count === 1 ? String(from) : `${from},${count}`;
}
