/**
 * Control tokens (BOS, EOS, turn markers) in the text of a row. A row's words are text: a user who writes `<|im_end|>`
 * must not end the turn. What a chat template writes around them are tokens, though, in the same text. So marks are put
 * into the row's own ones first, and the tokenizer reads what is marked as text.
 */
import { MARK } from './textMarks.ts';
import type { TextTokenizer } from './tokenizer.ts';
import type { Example, Message, Segment } from '../../src-shared/datasets.ts';

type Controls = Pick<TextTokenizer, 'controlTexts' | 'specialText' | 'eosTexts' | 'chatTemplate'>;

/** How many control tokens `text` spells out. */
function countControls(text: string, { controlTexts }: Pick<Controls, 'controlTexts'>): number {
  return controlTexts.reduce(
    (sum, control) => (text.includes(control) ? sum + text.split(control).length - 1 : sum),
    0,
  );
}

/** Puts a mark into each control token of `text`. */
function markControls(text: string, { controlTexts }: Pick<Controls, 'controlTexts'>): string {
  return controlTexts.reduce(
    (marked, control) => marked.replaceAll(control, () => control[0] + MARK + control.slice(1)),
    text,
  );
}

/**
 * The example as it is tokenised, and how many control tokens its texts spell out beside the frame. Frame tokens that
 * are written by hand, a BOS in front and an EOS at the end, are what the frame adds anyway: they are tokens, and there
 * once. `asTokens`: the others are tokens too, not text.
 */
export function withControls(
  example: Example,
  tokenizer: Controls,
  asTokens: boolean,
): { example: Example; controls: number } {
  let controls = 0;
  const own = (text: string): string => {
    controls += countControls(text, tokenizer);
    return asTokens ? text : markControls(text, tokenizer);
  };
  if (example.segments) {
    const segments = segmentsWithFrame(example.segments, tokenizer, own);
    return { example: { ...example, segments }, controls };
  }
  const messages = example.messages.map((message): Message => {
    const content = endsItself(message, tokenizer) ? withoutEnd(message.content, tokenizer) : message.content;
    const fields = message.fields && (mapTexts(message.fields, own) as Record<string, unknown>);
    return { ...message, content: own(content), ...(fields ? { fields } : {}) };
  });
  return { example: { ...example, messages }, controls };
}

/** A prompt that is continued as rows without a template are: control tokens that it spells out are text. */
export function encodeBarePrompt(
  tokenizer: Controls & Pick<TextTokenizer, 'encodePrompt'>,
  text: string,
  { controlTokens = false }: { controlTokens?: boolean | undefined } = {},
): number[] {
  const segments = [
    { text, loss: false },
    { text: '', loss: true },
  ];
  const [prompt] = withControls({ line: 1, segments }, tokenizer, controlTokens).example.segments ?? [];
  return tokenizer.encodePrompt(prompt?.text ?? '');
}

function segmentsWithFrame(
  segments: readonly Segment[],
  tokenizer: Controls,
  own: (text: string) => string,
): Segment[] {
  const { bos } = tokenizer.specialText;
  return segments.map((segment, i) => {
    let { text } = segment;
    const start = i === 0 && bos !== '' && text.startsWith(bos) ? bos : '';
    text = text.slice(start.length);
    const bare = i === segments.length - 1 ? withoutEnd(text, tokenizer) : text;
    const end = bare === text ? '' : tokenizer.specialText.eos;
    return { ...segment, text: start + own(bare) + end };
  });
}

/** Whether an answer's own EOS stands where the template, or the plain one, writes it as well. */
function endsItself({ role }: Message, { chatTemplate, eosTexts }: Controls): boolean {
  if (role !== 'assistant') return false;
  return (
    chatTemplate === undefined || /eos_token/.test(chatTemplate) || eosTexts.some((text) => chatTemplate.includes(text))
  );
}

/** `text` without what ends it: EOS tokens with nothing but space after them. */
function withoutEnd(text: string, { eosTexts }: Pick<Controls, 'eosTexts'>): string {
  for (let rest = text; ;) {
    const trimmed = rest.trimEnd();
    const eos = eosTexts.find((one) => trimmed.endsWith(one));
    if (eos === undefined) return rest;
    rest = trimmed.slice(0, -eos.length);
  }
}

function mapTexts(value: unknown, map: (text: string) => string): unknown {
  if (typeof value === 'string') return map(value);
  if (Array.isArray(value)) return value.map((item) => mapTexts(item, map));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapTexts(item, map)]));
}
