/**
 * Conversations as text: by the model's own chat template where it has one, else by a plain one,
 * "User: ...\nAssistant: ..." with the EOS token after every answer. Training and prompts share this file, so that what
 * is asked later begins exactly as what was trained on.
 */
import { withDeadline } from '../files/deadline.ts';
import { GraftError } from '../../src-shared/errors.ts';
import { parsedTemplate, TEMPLATE_GLOBALS } from './parsedTemplate.ts';
import type { TextTokenizer } from './tokenizer.ts';
import type { Message, Segment } from '../../src-shared/datasets.ts';

/** The part of a tokenizer that templates need. */
export type ChatStyle = Pick<TextTokenizer, 'chatTemplate' | 'specialText'>;

/** Of a model that has a template. */
interface TemplateStyle extends ChatStyle {
  chatTemplate: string;
}

/** A style without a template, for looking at a dataset without a model. */
export const PLAIN_STYLE: ChatStyle = { chatTemplate: undefined, specialText: { bos: '', eos: '', pad: '', unk: '' } };

/**
 * A conversation cut into segments; the assistant's turns carry loss, with what the template writes to end them.
 * A template may show an answer otherwise once the conversation goes on: one whose words it changes (some drop earlier
 * reasoning) carries no loss, one whose frame alone differs (an EOS or an empty thought at the last) does. The reason
 * is given when the template refuses the conversation, or no answer is left.
 */
export function chatSegments(
  style: ChatStyle,
  messages: readonly Message[],
): { segments: Segment[] } | { reason: string } {
  const { chatTemplate, specialText } = style;
  if (chatTemplate === undefined) return { segments: plainSegments(style, messages) };
  try {
    return templateSegments({ chatTemplate, specialText }, messages);
  } catch (error) {
    if (error instanceof GraftError) throw error;
    return { reason: `the chat template of the model refuses this conversation: ${whyRefused(error)}` };
  }
}

/**
 * The ids of a conversation that the assistant shall answer now.
 * Throws GraftError CHAT_TEMPLATE when the model's template refuses it.
 */
export function encodeChatPrompt(tokenizer: TextTokenizer, messages: readonly Message[]): number[] {
  const { chatTemplate, specialText } = tokenizer;
  if (chatTemplate === undefined) {
    const text = plainSegments(tokenizer, [...messages, { role: 'assistant', content: '' }]).slice(0, -1);
    return tokenizer.encodePrompt(text.map((segment) => segment.text).join(''));
  }
  let text: string;
  try {
    text = renderTemplate({ chatTemplate, specialText }, messages, true);
  } catch (error) {
    if (error instanceof GraftError) throw error;
    const why = whyRefused(error);
    throw new GraftError(
      'CHAT_TEMPLATE',
      `The chat template of the model refuses this conversation: ${why}; change the messages or write the ` +
        'prompt as plain text.',
      {},
      { cause: error },
    );
  }
  // A template writes its own BOS.
  return tokenizer.encode(text, { addSpecialTokens: false });
}

function templateSegments(
  style: TemplateStyle,
  messages: readonly Message[],
): { segments: Segment[] } | { reason: string } {
  const whole = renderTemplate(style, messages, false);
  const segments: Segment[] = [];
  let at = 0;
  messages.forEach((message, i) => {
    if (message.role !== 'assistant') return;
    const before = renderTemplate(style, messages.slice(0, i), true);
    const after = renderTemplate(style, messages.slice(0, i + 1), false);
    if (before.length < at || !after.startsWith(before) || !whole.startsWith(before)) return;
    const end = whole.startsWith(after)
      ? after.length
      : endOfAnswer(whole, before, after, message.content.trim(), style.specialText.eos);
    if (end === undefined) return;
    segments.push(
      { text: whole.slice(at, before.length), loss: false },
      { text: whole.slice(before.length, end), loss: true },
    );
    at = end;
  });
  if (segments.length === 0)
    return { reason: 'the chat template of the model does not write any answer as the continuation of what was asked' };
  segments.push({ text: whole.slice(at), loss: false });
  return { segments: segments.filter((segment) => segment.text !== '') };
}

/**
 * Where an answer ends in `whole`, which shows it right after `before`, closed as `after` closes it when it is the
 * last: Qwen3 writes an empty thought before the last answer only, Phi-3 an EOS after it. Undefined where the words
 * differ.
 */
function endOfAnswer(whole: string, before: string, after: string, answer: string, eos: string): number | undefined {
  const ending = after.slice(after.lastIndexOf(answer) + answer.length);
  const endings = [ending, ...(eos !== '' && ending.endsWith(eos) ? [ending.slice(0, -eos.length)] : [])];
  const found = endings.find((one) => one !== '' && whole.startsWith(before + answer + one));
  return found === undefined ? undefined : before.length + answer.length + found.length;
}

function plainSegments(style: ChatStyle, messages: readonly Message[]): Segment[] {
  const names = { system: 'System', user: 'User', assistant: 'Assistant' };
  return messages.flatMap(({ role, content }, i) => {
    const name = `${i === 0 ? '' : '\n'}${names[role]}:`;
    if (role !== 'assistant') return [{ text: `${name} ${content}`, loss: false }];
    return [
      { text: name, loss: false },
      { text: ` ${content}${style.specialText.eos}`, loss: true },
    ];
  });
}

/** What the template itself or its engine says; an error of JavaScript is no sentence for the user. */
function whyRefused(error: unknown): string {
  if (error instanceof RangeError) return 'it nests, repeats or calls itself without end';
  if (error instanceof SyntaxError) return `it is not written as a template (${error.message.replace(/\.$/, '')})`;
  if (error instanceof TypeError || error instanceof ReferenceError)
    return 'it does something that Graft cannot do for a template';
  const why = error instanceof Error ? error.message : String(error);
  if (why.startsWith('Cannot call something')) return 'it calls something that Graft does not have for templates';
  return why.replace(/\.$/, '');
}

/** Longer than a conversation of a megabyte takes. */
const TEMPLATE_DEADLINE_MS = 1000;

function renderTemplate(style: TemplateStyle, messages: readonly Message[], addGenerationPrompt: boolean): string {
  return withDeadline(
    () => render(style, messages, addGenerationPrompt),
    TEMPLATE_DEADLINE_MS,
    () =>
      new GraftError(
        'CHAT_TEMPLATE',
        `The chat template of the model (chat_template.jinja, or chat_template in tokenizer_config.json) does not ` +
          `come to an end on a conversation of ${messages.length} messages; correct the template, or take it out to ` +
          'have conversations written plainly.',
      ),
  );
}

function render(style: TemplateStyle, messages: readonly Message[], addGenerationPrompt: boolean): string {
  const { bos, eos, pad, unk } = style.specialText;
  return parsedTemplate(style.chatTemplate).render({
    ...TEMPLATE_GLOBALS,
    messages: messages.map((message) => ({ ...message })),
    add_generation_prompt: addGenerationPrompt,
    bos_token: bos,
    eos_token: eos,
    pad_token: pad,
    unk_token: unk,
    tools: null,
    documents: null,
  });
}
