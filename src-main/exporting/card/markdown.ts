/** Words of users and of other people's files as parts of a Markdown document. */

/** On one line, as text. */
export function inline(text: string): string {
  return text
    .replaceAll(/\s+/g, ' ')
    .trim()
    .replaceAll(/[\\`*_[\]<>|#]/g, (mark) => `\\${mark}`);
}

export function table(head: [string, string], rows: [string, string][]): string[] {
  const line = (cells: string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(([name, value]) => line([inline(name), inline(value)]))];
}

/** A block of code; the fence is longer than any in it. */
export function code(language: string, lines: string[]): string[] {
  const longest = Math.max(2, ...lines.flatMap((line) => (line.match(/`+/g) ?? []).map((run) => run.length)));
  const fence = '`'.repeat(longest + 1);
  return [`${fence}${language}`, ...lines, fence];
}

/** As JSON writes a text, which is also a YAML scalar, a Python literal and a shell word for plain names. */
export function quoted(text: string): string {
  return JSON.stringify(text);
}
