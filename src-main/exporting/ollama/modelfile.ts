/**
 * An Ollama Modelfile for an exported GGUF: FROM, TEMPLATE as Go's text/template, and where an answer stops. Since
 * 0.34.1 `ollama create` takes no ADAPTER and quantises nothing, so the GGUF is merged and quantised already.
 */
import type { DatasetKind, Message } from '../../../src-shared/datasets.ts';
import type { KeptTemplate } from '../../../src-shared/promptTemplates.ts';
import { alpacaPrompt, type Turn } from '../../datasets/alpaca.ts';
import { chatText } from '../../datasets/chat.ts';
import type { TextTokenizer } from '../../datasets/tokenizer.ts';
import { askedAs } from '../chatTemplate.ts';
import { framed, frameOf, type Frame, type Render } from './frame.ts';
import { goTemplate, isPlain } from './goTemplate.ts';

export const MODELFILE = 'Modelfile';

export interface ModelfileInput {
  /** Name of the GGUF beside the Modelfile. */
  gguf: string;
  tokenizer: TextTokenizer;
  /** Texts of tokens that the adapter was taught as the end of an answer, beside the tokenizer's own. */
  endTexts?: readonly string[];
  /** Kind of the rows that training was on; absent: not known, and the chat template is taken. */
  rows?: DatasetKind | undefined;
  /** Of the adapter's training, where it has kept it. */
  promptTemplate?: KeptTemplate | undefined;
}

export interface Modelfile {
  text: string;
  /** What the user should know, a sentence each. */
  notes: string[];
}

/** Needs no file but those that the tokenizer was read from. */
export function modelfileFor({ gguf, tokenizer: own, endTexts = [], rows, promptTemplate }: ModelfileInput): Modelfile {
  const kept = promptTemplate?.template;
  const tokenizer = kept === undefined ? own : { ...own, chatTemplate: kept };
  const { template, frame, notes } = derived(tokenizer, askedAs(promptTemplate, rows));
  const stops = stopTexts(tokenizer, frame, endTexts);
  const lines = [
    `FROM ./${gguf}`,
    ...(template === undefined ? [] : [`TEMPLATE """${template}"""`]),
    ...stops.map((stop) => `PARAMETER stop "${stop}"`),
  ];
  return { text: `${lines.join('\n')}\n`, notes };
}

interface Derived {
  template?: string;
  frame?: Frame;
  notes: string[];
}

/** What stands around a user's words in Ollama is what stood around them in training. */
function derived(tokenizer: TextTokenizer, rows: DatasetKind | undefined): Derived {
  if (rows === 'alpaca') return templateOf(tokenizer, alpacaText);
  if (rows === 'completion' || rows === 'text')
    return asTyped(
      'The model was trained on prompts as they are: Ollama passes what is typed without a chat template.',
    );
  if (tokenizer.chatTemplate === undefined && rows === undefined)
    return asTyped('The model has no chat template: Ollama passes what is typed as it is, as training did.');
  return templateOf(tokenizer, (messages, goOn) => chatText(tokenizer, messages, goOn));
}

function asTyped(note: string): Derived {
  return { template: '{{ .Prompt }}', notes: [note] };
}

/** A conversation as rows of instructions hold it: the system's words are the opening, earlier turns the history. */
const alpacaText: Render = (messages, goOn) => {
  const system = messages.find(({ role }) => role === 'system')?.content;
  const turns = messages.filter(({ role }) => role !== 'system').map(({ content }) => content);
  const answer = turns.length % 2 === 0 ? turns.pop()! : undefined;
  const instruction = turns.pop() ?? '';
  const history = turns.flatMap((text, i): Turn[] => (i % 2 === 0 ? [[text, turns[i + 1]!]] : []));
  const prompt = alpacaPrompt({ instruction, system, history });
  if (answer === undefined) return goOn ? prompt : prompt.slice(0, prompt.lastIndexOf('\n\n### Response:\n'));
  return `${prompt}${answer}`;
};

const SPACED: readonly Message[] = [{ role: 'user', content: ' Hello ' }];
/** Its templates have no function for it. */
const STRIPS =
  "The model's chat template takes spaces off both ends of a message; Ollama passes them on as they are typed.";

function templateOf(tokenizer: TextTokenizer, text: Render): Derived {
  const { bos } = tokenizer.specialText;
  const addsBos = tokenizer.bosId !== undefined && tokenizer.encodePrompt('a')[0] === tokenizer.bosId;
  let lacksBos = false;
  // Ollama's runner puts the BOS before a prompt by itself where the tokenizer does.
  const render: Render = (messages, goOn) => {
    const whole = text(messages, goOn);
    const begins = addsBos && whole.startsWith(bos);
    lacksBos ||= addsBos && !begins && tokenizer.chatTemplate !== undefined;
    return begins ? whole.slice(bos.length) : whole;
  };
  const frame = frameOf(render);
  if ('reason' in frame) return { notes: [noTemplate(frame.reason)] };
  const template = goTemplate(frame);
  if (template === undefined) return { notes: [noTemplate('it holds characters that a Modelfile cannot')] };
  const notes = [
    ...(frame.system ? [] : ["The model's chat template has no place for a system message; Ollama leaves it out too."]),
    ...(render(SPACED, true) === framed(frame, SPACED) ? [] : [STRIPS]),
    ...(lacksBos ? [`Ollama begins every prompt with ${bos}, which the model's chat template does not write.`] : []),
  ];
  return { template, frame, notes };
}

function noTemplate(reason: string): string {
  return (
    `The Modelfile has no TEMPLATE, because the model's chat template is not a plain frame (${reason}); Ollama then ` +
    'looks at the template in the GGUF itself. Compare an answer with one from the Playground.'
  );
}

/** Ends of an answer as the tokenizer names them; else the text that begins the next turn. */
function stopTexts(
  { eosTexts, controlTexts }: TextTokenizer,
  frame: Frame | undefined,
  taught: readonly string[],
): string[] {
  const ending = frame?.assistantEnd ?? '';
  const control = controlTexts.filter((text) => text !== '' && ending.includes(text));
  const next = `${ending}${frame?.user ?? ''}`.trim().split('\n')[0] ?? '';
  const texts = [...eosTexts, ...taught, ...control];
  const all = control.length === 0 && next !== '' && !texts.includes(next) ? [...texts, next] : texts;
  return [...new Set(all)].filter((text) => text !== '' && isPlain(text) && !/["\n]/.test(text));
}
