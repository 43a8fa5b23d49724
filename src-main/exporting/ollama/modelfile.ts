/**
 * An Ollama Modelfile for an exported GGUF: FROM, TEMPLATE as Go's text/template, and where an answer stops. Since
 * 0.34.1 `ollama create` takes no ADAPTER and quantises nothing, so the GGUF is merged and quantised already.
 */
import { chatText } from '../../datasets/chat.ts';
import type { TextTokenizer } from '../../datasets/tokenizer.ts';
import { frameOf, type Frame, type Render } from './frame.ts';
import { goTemplate, isPlain } from './goTemplate.ts';

export const MODELFILE = 'Modelfile';

export interface ModelfileInput {
  /** Name of the GGUF beside the Modelfile. */
  gguf: string;
  tokenizer: TextTokenizer;
  /** Texts of tokens that the adapter was taught as the end of an answer, beside the tokenizer's own. */
  endTexts?: readonly string[];
  /** The adapter continues texts as they are: it was trained on no conversations. */
  plain?: boolean;
}

export interface Modelfile {
  text: string;
  /** What the user should know, a sentence each. */
  notes: string[];
}

/** Needs no file but those that the tokenizer was read from. */
export function modelfileFor({ gguf, tokenizer, endTexts = [], plain = false }: ModelfileInput): Modelfile {
  const { template, frame, notes } = plain ? AS_TYPED : templateOf(tokenizer);
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

const AS_TYPED: Derived = {
  template: '{{ .Prompt }}',
  notes: ['The base has no chat template: Ollama passes what is typed as it is, as training did.'],
};

function templateOf(tokenizer: TextTokenizer): Derived {
  const { bos } = tokenizer.specialText;
  const addsBos = tokenizer.bosId !== undefined && tokenizer.encodePrompt('a')[0] === tokenizer.bosId;
  let lacksBos = false;
  // Ollama's runner puts the BOS before a prompt by itself where the tokenizer does.
  const render: Render = (messages, goOn) => {
    const text = chatText(tokenizer, messages, goOn);
    const begins = addsBos && text.startsWith(bos);
    lacksBos ||= addsBos && !begins && tokenizer.chatTemplate !== undefined;
    return begins ? text.slice(bos.length) : text;
  };
  const frame = frameOf(render);
  if ('reason' in frame) return { notes: [noTemplate(frame.reason)] };
  const template = goTemplate(frame);
  if (template === undefined) return { notes: [noTemplate('it holds characters that a Modelfile cannot')] };
  const notes = [
    ...(frame.system ? [] : ["The model's chat template has no place for a system message; Ollama leaves it out too."]),
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
