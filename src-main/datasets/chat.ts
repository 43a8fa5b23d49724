/**
 * Conversations as text: by the model's own chat template where it has one, else by a plain one,
 * "User: ...\nAssistant: ..." with the EOS token after every answer. Training and prompts share this file, so that what
 * is asked later begins exactly as what was trained on.
 */
import { withDeadline } from '../files/deadline.ts';
import { counted } from '../../src-shared/plural.ts';
import { GraftError } from '../../src-shared/errors.ts';
import { withControls } from './controlTokens.ts';
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

/** What a template writes: a conversation, with the tools that may be called. */
export interface Conversation {
  messages: readonly Message[];
  tools?: readonly unknown[] | undefined;
}

/** Messages of a conversation that a template is given. */
const MOST_MESSAGES = 20_000;
/** Messages of one that it writes, all times together: it begins anew for each answer. Takes a few seconds. */
const MOST_WRITTEN = 600_000;

/** Messages of which every second is an answer that can surely be written. */
const SURE_MESSAGES = 1000;

/** `whole`: the segments are all of it, not only its beginning. */
type Cut = { segments: Segment[]; whole: boolean } | { reason: string };

/**
 * A conversation cut into segments; the assistant's turns carry loss, with what the template writes to end them.
 * A template may show an answer otherwise once the conversation goes on: one whose words it changes (some drop earlier
 * reasoning) carries no loss, one whose frame alone differs (an EOS or an empty thought at the last) does. The reason
 * is given when the template refuses the conversation, or no answer is left. `mostChars`: text after which no more
 * answers are looked for, since each costs as much time as all that is before it.
 */
export function chatSegments(style: ChatStyle, conversation: Conversation, mostChars = Infinity): Cut {
  const { chatTemplate, specialText } = style;
  const unknown = unknownTools(chatTemplate, conversation);
  if (unknown !== undefined) return { reason: unknown };
  if (chatTemplate === undefined) return { segments: plainSegments(style, conversation.messages), whole: true };
  try {
    return templateSegments({ chatTemplate, specialText }, conversation, mostChars);
  } catch (error) {
    if (error instanceof GraftError) throw error;
    return { reason: `the chat template of the model refuses this conversation: ${whyRefused(error)}` };
  }
}

/** Why a template, or the plain one, would leave out calls of tools and their results; undefined: it does not. */
function unknownTools(chatTemplate: string | undefined, { messages }: Conversation): string | undefined {
  const parts = [
    { used: messages.some(({ fields }) => fields && 'tool_calls' in fields), known: /tool_calls/, what: 'calls tools' },
    {
      used: messages.some(({ role }) => role === 'tool'),
      known: /["'](tool|ipython)["']/,
      what: 'has the result of a tool',
    },
  ];
  const missing = parts.find(({ used, known }) => used && !(chatTemplate !== undefined && known.test(chatTemplate)));
  if (!missing) return undefined;
  return `it ${missing.what}, which ${
    chatTemplate === undefined ? 'a model without a chat template' : 'the chat template of this model'
  } cannot write; choose a model whose template knows tools`;
}

/**
 * The ids of a conversation that the assistant shall answer now. Control tokens that its words spell out are text, as
 * in the rows of a dataset, or tokens with `controlTokens`.
 * Throws GraftError CHAT_TEMPLATE when the model's template refuses it.
 */
export function encodeChatPrompt(
  tokenizer: TextTokenizer,
  asked: readonly Message[],
  { controlTokens = false }: { controlTokens?: boolean | undefined } = {},
): number[] {
  const { chatTemplate, specialText } = tokenizer;
  const { messages = [] } = withControls({ line: 1, messages: [...asked] }, tokenizer, controlTokens).example;
  if (chatTemplate === undefined) {
    const text = plainSegments(tokenizer, [...messages, { role: 'assistant', content: '' }]).slice(0, -1);
    return tokenizer.encodePrompt(text.map((segment) => segment.text).join(''));
  }
  let text: string;
  try {
    text = renderTemplate({ chatTemplate, specialText }, { messages }, true);
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

/**
 * A conversation as the model reads it. `goOn`: with what begins the next answer. Throws what the template throws, or
 * GraftError CHAT_TEMPLATE where it comes to no end.
 */
export function chatText(style: ChatStyle, messages: readonly Message[], goOn: boolean): string {
  const { chatTemplate, specialText } = style;
  if (chatTemplate !== undefined) return renderTemplate({ chatTemplate, specialText }, { messages }, goOn);
  const segments = plainSegments(style, goOn ? [...messages, { role: 'assistant', content: '' }] : messages);
  return (goOn ? segments.slice(0, -1) : segments).map(({ text }) => text).join('');
}

function templateSegments(style: TemplateStyle, conversation: Conversation, mostChars: number): Cut {
  const { messages, tools } = conversation;
  if (messages.length > MOST_MESSAGES) return tooMany(messages);
  const whole = renderTemplate(style, conversation, false);
  const lost = calledTools(messages).find((name) => !whole.includes(name));
  if (lost !== undefined)
    return { reason: `it calls the tool ${lost}, which the chat template of the model does not write in such a place` };
  if (whole.length <= mostChars && writtenForAll(messages) > MOST_WRITTEN) return tooMany(messages);
  let written = 0;
  const segments: Segment[] = [];
  let at = 0;
  for (const [i, message] of messages.entries()) {
    if (message.role !== 'assistant') continue;
    if (at > mostChars) return { segments: segments.filter((segment) => segment.text !== ''), whole: false };
    written += writtenFor(i);
    if (written > MOST_WRITTEN) return tooMany(messages);
    const before = renderTemplate(style, { messages: messages.slice(0, i), tools }, true);
    const after = renderTemplate(style, { messages: messages.slice(0, i + 1), tools }, false);
    if (before.length < at || !after.startsWith(before) || !whole.startsWith(before)) continue;
    const end = whole.startsWith(after)
      ? after.length
      : endOfAnswer(whole, before, after, message.content.trim(), style.specialText.eos);
    if (end === undefined) continue;
    segments.push(
      { text: whole.slice(at, before.length), loss: false },
      answer(whole.slice(before.length, end), message),
    );
    at = end;
  }
  if (!segments.some((segment) => segment.loss))
    return { reason: 'the chat template of the model does not write any answer as the continuation of what was asked' };
  segments.push({ text: whole.slice(at), loss: false });
  return { segments: segments.filter((segment) => segment.text !== ''), whole: true };
}

/** Names of the functions that the assistant calls. */
function calledTools(messages: readonly Message[]): string[] {
  const calls = messages.flatMap(({ fields }) => (Array.isArray(fields?.['tool_calls']) ? fields['tool_calls'] : []));
  return calls.flatMap((call: unknown) => {
    const name: unknown = (call as { function?: { name?: unknown } } | null)?.function?.name;
    return typeof name === 'string' ? [name] : [];
  });
}

/** Messages that are written for an answer: those before it, once with it and once without. */
function writtenFor(answer: number): number {
  return 2 * answer + 1;
}

function writtenForAll(messages: readonly Message[]): number {
  return messages.reduce((sum, { role }, i) => sum + (role === 'assistant' ? writtenFor(i) : 0), 0);
}

function tooMany({ length }: readonly Message[]): { reason: string } {
  return {
    reason:
      `it has ${counted(length, 'message')}, and the chat template of the model writes all that is before an answer ` +
      `anew for each of them; cut it into rows of at most ${counted(SURE_MESSAGES, 'message')}`,
  };
}

function answer(text: string, { train }: Message): Segment {
  return train === false ? { text, loss: false, silent: true } : { text, loss: true };
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
  const names = { system: 'System', user: 'User', assistant: 'Assistant', tool: 'Tool' };
  return messages.flatMap((message, i) => {
    const { role, content } = message;
    const name = `${i === 0 ? '' : '\n'}${names[role]}:`;
    if (role !== 'assistant') return [{ text: `${name} ${content}`, loss: false }];
    return [{ text: name, loss: false }, answer(` ${content}${style.specialText.eos}`, message)];
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

function renderTemplate(style: TemplateStyle, conversation: Conversation, addGenerationPrompt: boolean): string {
  return withDeadline(
    () => render(style, conversation, addGenerationPrompt),
    TEMPLATE_DEADLINE_MS,
    () =>
      new GraftError(
        'CHAT_TEMPLATE',
        'The chat template (of the model: chat_template.jinja, or chat_template in tokenizer_config.json; or the ' +
          `run's prompt template) does not come to an end on a conversation of ${conversation.messages.length} ` +
          'messages; correct it, or choose another prompt template.',
      ),
  );
}

function render(style: TemplateStyle, { messages, tools }: Conversation, addGenerationPrompt: boolean): string {
  const { bos, eos, pad, unk } = style.specialText;
  return parsedTemplate(style.chatTemplate).render({
    ...TEMPLATE_GLOBALS,
    messages: messages.map(({ role, content, fields }) => ({ role, content, ...fields })),
    add_generation_prompt: addGenerationPrompt,
    bos_token: bos,
    eos_token: eos,
    pad_token: pad,
    unk_token: unk,
    tools: tools && tools.length > 0 ? tools : null,
    documents: null,
  });
}
