/** A Markdown table; what would break a cell is escaped. */
export function markdownTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(escapeCell).join(' | ')} |`;
  return [line(header), `|${' --- |'.repeat(header.length)}`, ...rows.map(line)].join('\n');
}

function escapeCell(text: string): string {
  return text
    .replace(/[\\|<]/g, '\\$&')
    .replace(/\s*\n\s*/g, '<br>')
    .trim();
}
