/** How a model is asked for a question and its answer: one after the other, so that nothing must be told apart. */
import type { Message } from '../../../src-shared/datasets.ts';

/** Answers a conversation. */
export type Ask = (messages: Message[], maxNew: number) => Promise<string>;

const QUESTION_TOKENS = 100;
const ANSWER_TOKENS = 400;

/** `wish`: what the question shall be like; may be empty. */
export async function draftPair(ask: Ask, text: string, wish: string): Promise<{ question: string; answer: string }> {
  const asked: Message = { role: 'user', content: questionPrompt(text, wish) };
  const question = firstParagraph(plain(await ask([asked], QUESTION_TOKENS)));
  if (question === '') return { question, answer: '' };
  const messages: Message[] = [asked, { role: 'assistant', content: question }, { role: 'user', content: ANSWER }];
  return { question, answer: plain(await ask(messages, ANSWER_TOKENS)) };
}

function questionPrompt(text: string, wish: string): string {
  const more = wish.trim() === '' ? '' : ` ${wish.trim()}`;
  return (
    `${text}\n\n---\n` +
    'Write one question that the text above answers, as somebody would ask it who has not read the text. Write it in ' +
    `the language of the text, and write nothing else.${more}`
  );
}

const ANSWER =
  'Now answer this question with what the text says. Write the answer in the language of the text, in whole ' +
  'sentences, and write nothing else.';

/** Without thoughts, and without a word in front that says what it is. */
function plain(answer: string): string {
  return answer
    .replace(/^\s*<think>[\s\S]*?(<\/think>|$)/, '')
    .trim()
    .replace(/^\**(question|frage|answer|antwort)\**\s*:\s*\**\s*/i, '')
    .trim();
}

function firstParagraph(text: string): string {
  return text.split(/\n\s*\n/, 1)[0]!.trim();
}
