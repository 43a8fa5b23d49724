/** Rows of a plan as text: how a question is put, and questions to write samples for. */
import { chatText } from '../../datasets/chat.ts';
import { withTemplate } from '../../datasets/promptTemplates.ts';
import type { TextTokenizer } from '../../datasets/tokenizer.ts';
import type { RowList } from '../../datasets/tokens/rowList.ts';
import type { KeptTemplate } from '../../../src-shared/promptTemplates.ts';

/** Prompts that are suggested, and rows that are looked at for them. */
const SAMPLES = 4;
const LOOKED_AT = 50;
/** Of a prompt or an answer; a page shows no more. */
const MOST_CHARS = 2000;
/** Stands for a question while its frame is looked for. */
const QUESTION = 'q\u0000q';

/** The first row as the model reads it, control tokens included; null where there is none. */
export function firstRow(rows: RowList, tokenizer: TextTokenizer): { prompt: string; answer: string } | null {
  const row = rows.at(0);
  if (!row) return null;
  const { ids, labels } = row;
  const first = labels.findIndex((label) => label >= 0);
  const start = first < 0 ? ids.length : first === 1 ? 0 : first;
  const text = (part: Int32Array): string =>
    tokenizer.decode(
      part.filter((id) => id < tokenizer.vocabSize),
      { skipSpecialTokens: false },
    );
  const prompt = text(ids.slice(0, start));
  const answer = text(ids).slice(prompt.length);
  // Of a long prompt its end, behind which the answer stands.
  return { prompt: prompt.slice(-MOST_CHARS), answer: answer.slice(0, MOST_CHARS) };
}

/**
 * Questions of the first rows, without what the template puts around them; nothing for rows that are labelled from the
 * start, and of longer conversations.
 */
export function questionsOf(rows: RowList, tokenizer: TextTokenizer, kept: KeptTemplate | undefined): string[] {
  const style = kept?.template === undefined ? undefined : withTemplate(tokenizer, kept.template);
  const frame = style && frameOf(style);
  const questions = Array.from({ length: Math.min(LOOKED_AT, rows.length) }, (_, i) => {
    const { ids, labels } = rows.at(i)!;
    const first = labels.findIndex((label) => label >= 0);
    if (first <= 0) return '';
    const own = ids.slice(0, first).filter((id) => id < tokenizer.vocabSize);
    if (!style) return tokenizer.decode(own).trim();
    const text = tokenizer.decode(own, { skipSpecialTokens: false });
    if (!frame || !text.startsWith(frame.before) || !text.endsWith(frame.after)) return '';
    const question = text.slice(frame.before.length, text.length - frame.after.length);
    // In a longer conversation what begins an answer stands within it as well.
    const opening = frame.after.trim();
    return opening !== '' && question.includes(opening) ? '' : question.trim();
  });
  return [...new Set(questions)].filter((question) => question !== '').slice(0, SAMPLES);
}

/** What stands around a question that begins a conversation; undefined where none may begin so. */
function frameOf(style: TextTokenizer): { before: string; after: string } | undefined {
  const [before, after, more] = asked(style, QUESTION)?.split(QUESTION) ?? [];
  return before === undefined || after === undefined || more !== undefined ? undefined : { before, after };
}

/** Undefined where the template refuses it, as one that wants a system message first. */
function asked(style: TextTokenizer, question: string): string | undefined {
  try {
    return chatText(style, [{ role: 'user', content: question }], true);
  } catch {
    return undefined;
  }
}
