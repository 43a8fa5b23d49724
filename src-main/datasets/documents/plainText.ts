/** Plain text and Markdown: paragraphs between empty lines, as they stand; Markdown's headings are headings. */
import type { Block } from './blocks.ts';

export function textBlocks(text: string, isMarkdown: boolean): Block[] {
  const blocks: Block[] = [];
  let lines: string[] = [];
  let fence: string | undefined;
  const flush = (isHeading = false): void => {
    const paragraph = lines.join('\n').trimEnd();
    if (paragraph !== '') blocks.push({ text: paragraph, isHeading, page: null });
    lines = [];
  };
  for (const line of text.split(/\r\n?|\n/)) {
    const mark = isMarkdown ? /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1] : undefined;
    if (fence !== undefined) {
      // Empty lines within code end no paragraph.
      lines.push(line);
      if (mark?.startsWith(fence)) fence = undefined;
    } else if (mark !== undefined) {
      fence = mark;
      lines.push(line);
    } else if (line.trim() === '') flush();
    else if (isMarkdown && /^ {0,3}#{1,6}\s/.test(line)) {
      flush();
      lines.push(line);
      flush(true);
    } else if (isMarkdown && lines.length === 1 && /^ {0,3}(=+|-{2,})\s*$/.test(line)) {
      lines.push(line);
      flush(true);
    } else lines.push(line);
  }
  flush();
  return blocks;
}
