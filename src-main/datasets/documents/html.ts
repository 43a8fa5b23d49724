/** The text of a web page: headings and paragraphs, without scripts, styles and what only leads around the site. */
import { Parser } from 'htmlparser2';
import type { Block } from './blocks.ts';
import { checkDepth } from './errors.ts';

/** No text, or none of the page itself. */
const SKIPPED = new Set([
  ...['script', 'style', 'noscript', 'template', 'head', 'svg', 'math', 'iframe', 'object', 'canvas', 'video', 'audio'],
  ...['nav', 'footer', 'aside', 'form', 'button', 'select', 'textarea'],
]);
/** These stand within a line; everything else begins a paragraph of its own. */
const INLINE = new Set([
  ...['a', 'abbr', 'acronym', 'b', 'bdi', 'bdo', 'big', 'cite', 'code', 'data', 'del', 'dfn', 'em', 'font', 'i', 'img'],
  ...['input', 'ins', 'kbd', 'label', 'mark', 'output', 'picture', 'q', 'rp', 'rt', 'ruby', 's', 'samp', 'small'],
  ...['source', 'span', 'strike', 'strong', 'sub', 'sup', 'time', 'tt', 'u', 'var', 'wbr'],
]);

/** Throws DATASET_BROKEN for elements nested without end. */
export function htmlBlocks(file: string, html: string): Block[] {
  const blocks: Block[] = [];
  let text = '';
  let isHeading = false;
  let preformatted = 0;
  let skipped = 0;
  let depth = 0;
  const flush = (): void => {
    const paragraph = text.trim();
    if (paragraph !== '') blocks.push({ text: paragraph, isHeading, page: null });
    text = '';
  };
  const parser = new Parser({
    onopentag(name) {
      checkDepth(file, ++depth);
      if (SKIPPED.has(name)) skipped++;
      if (skipped > 0 || INLINE.has(name)) return;
      if (name === 'br') text += '\n';
      else if (name === 'td' || name === 'th') text += text.trim() === '' ? '' : '\t';
      else {
        flush();
        isHeading = /^h[1-6]$/.test(name);
        if (name === 'pre') preformatted++;
        if (name === 'li') text = '- ';
      }
    },
    ontext(data) {
      if (skipped > 0) return;
      if (preformatted > 0) return void (text += data);
      const flat = data.replace(/\s+/g, ' ');
      text += /\S/.test(text.at(-1) ?? '') ? flat : flat.trimStart();
    },
    onclosetag(name) {
      depth--;
      if (SKIPPED.has(name)) skipped--;
      else if (skipped === 0 && !INLINE.has(name) && !['br', 'td', 'th'].includes(name)) {
        flush();
        isHeading = false;
        if (name === 'pre') preformatted--;
      }
    },
  });
  parser.end(html);
  flush();
  return blocks.filter(({ text }) => text !== '-');
}
