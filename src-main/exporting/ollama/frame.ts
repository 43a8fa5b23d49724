/**
 * What a chat template writes around the words of a conversation, found by rendering conversations of words that are
 * known and looking for them in the text. Templates that are more than such a frame are told from those that are not
 * by rendering further conversations and comparing.
 */
import type { Message } from '../../../src-shared/datasets.ts';

/** Text of a conversation; `goOn`: with what begins the answer that is wanted next. May throw. */
export type Render = (messages: readonly Message[], goOn: boolean) => string;

/** Texts around the words; they stand one after the other as `framed` puts them. */
export interface Frame {
  /** Before the first user's words where there is no system message. */
  first: string;
  /** Before every later user's words. */
  user: string;
  /** After a user's words. */
  userEnd: string;
  assistant: string;
  assistantEnd: string;
  /** Begins the answer that is wanted. */
  goOn: string;
  /**
   * Around the system's words; `after` goes up to the words of the user whom they precede: the first, or the last in
   * place of `user`. Absent: the template leaves them out or refuses them.
   */
  system?: { before: string; after: string; at: 'first' | 'last' };
}

const WORDS = { system: 'Sys7word', user: ['Use1word', 'Use2word', 'Use3word'], assistant: ['Ans1word', 'Ans2word'] };

/** The frame, or why there is none: a clause about the template. */
export function frameOf(render: Render): Frame | { reason: string } {
  try {
    const frame = withSystem(render, basicFrame(render));
    return checked(render, frame);
  } catch (error) {
    return { reason: error instanceof NoFrame ? error.message : 'it refuses a plain conversation' };
  }
}

class NoFrame extends Error {}

function basicFrame(render: Render): Frame {
  const [u1, u2, u3] = WORDS.user as [string, string, string];
  const [a1, a2] = WORDS.assistant as [string, string];
  const one = split(render(conversation([u1]), true), [u1]);
  const three = split(render(conversation([u1, a1, u2, a2, u3]), true), [u1, a1, u2, a2, u3]);
  const [first, toAnswer, toUser, again, andAgain, end] = three as [string, string, string, string, string, string];
  if (one[0] !== first || one[1] !== end || toAnswer !== again || toUser !== andAgain)
    throw new NoFrame('it writes a turn otherwise once the conversation goes on');
  const userEnd = ending(render(conversation([u1]), false), u1);
  const assistantEnd = ending(render(conversation([u1, a1]), false), a1);
  const shared = toAnswer.startsWith(userEnd) && end.startsWith(userEnd) ? userEnd : '';
  const closed = toUser.startsWith(assistantEnd) ? assistantEnd : commonStart(toUser, assistantEnd);
  return {
    first,
    user: toUser.slice(closed.length),
    userEnd: shared,
    assistant: toAnswer.slice(shared.length),
    assistantEnd: closed,
    goOn: end.slice(shared.length),
  };
}

/** Looked for before the first user's words, then before the last's. */
function withSystem(render: Render, frame: Frame): Frame {
  const [u1, u2] = WORDS.user as [string, string];
  const [a1] = WORDS.assistant as [string];
  const messages: Message[] = [{ role: 'system', content: WORDS.system }, ...conversation([u1, a1, u2])];
  let text: string;
  try {
    text = render(messages, true);
  } catch {
    return frame;
  }
  const at = text.indexOf(WORDS.system);
  if (at < 0) return frame;
  const isFirst = at < text.indexOf(u1);
  const parts = split(text, isFirst ? [WORDS.system, u1, a1, u2] : [u1, a1, WORDS.system, u2]);
  if (isFirst) return { ...frame, system: { before: parts[0]!, after: parts[1]!, at: 'first' } };
  if (!parts[2]!.startsWith(frame.assistantEnd)) throw new NoFrame('it writes the system message in the middle');
  const before = parts[2]!.slice(frame.assistantEnd.length);
  return { ...frame, system: { before, after: parts[3]!, at: 'last' } };
}

/** Compared with the template on conversations that the frame was not taken from. */
function checked(render: Render, frame: Frame): Frame {
  const turns = ['Hello, world', 'An answer.', 'Then?', 'Another answer\nof two lines', 'And then?', 'So.', 'Last?'];
  for (const count of [1, 3, 5, 7]) {
    const plain = conversation(turns.slice(0, count));
    const system: Message = { role: 'system', content: 'Be brief: one line.' };
    for (const messages of frame.system ? [plain, [system, ...plain]] : [plain])
      if (render(messages, true) !== framed(frame, messages))
        throw new NoFrame('it writes more than a frame around the words');
  }
  return frame;
}

/** A conversation in its frame, up to where the next answer begins. The system message, if there is one, is first. */
export function framed(frame: Frame, messages: readonly Message[]): string {
  const { system } = frame;
  const [head] = messages;
  const words = system && head?.role === 'system' ? head.content : undefined;
  const turns = messages.filter(({ role }) => role !== 'system');
  const lastUser = turns.findLastIndex(({ role }) => role === 'user');
  const text = turns.map(({ role, content }, i) => {
    if (role === 'assistant') return frame.assistant + content + frame.assistantEnd;
    const here = system && words !== undefined && i === (system.at === 'first' ? 0 : lastUser);
    const before = here ? system.before + words + system.after : i === 0 ? frame.first : frame.user;
    return before + content + frame.userEnd;
  });
  return text.join('') + frame.goOn;
}

/** User and assistant in turn. */
function conversation(words: string[]): Message[] {
  return words.map((content, i) => ({ role: i % 2 === 0 ? 'user' : 'assistant', content }));
}

/** The texts before, between and after the words, which must be there once each, in this order. */
function split(text: string, words: string[]): string[] {
  const parts: string[] = [];
  let rest = text;
  for (const word of words) {
    const pieces = rest.split(word);
    if (pieces.length !== 2) throw new NoFrame('it leaves words out, repeats them or changes their order');
    parts.push(pieces[0]!);
    rest = pieces[1]!;
  }
  return [...parts, rest];
}

function ending(text: string, word: string): string {
  return split(text, [word])[1]!;
}

function commonStart(a: string, b: string): string {
  let length = 0;
  while (length < Math.min(a.length, b.length) && a[length] === b[length]) length++;
  return a.slice(0, length);
}
