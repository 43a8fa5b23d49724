/**
 * Prompt templates as chat templates in Jinja: training, samples, playground, server and exported files all render the
 * same one, and so does whatever else reads chat templates.
 */
import { usageError } from '../../src-shared/errors.ts';
import type { ColumnPlan, DatasetKind } from '../../src-shared/datasets.ts';
import type { KeptTemplate, PromptTemplate } from '../../src-shared/promptTemplates.ts';
import { chatSegments } from './chat.ts';
import type { TextTokenizer } from './tokenizer.ts';

/** What a run says about its template; one of before there was a choice says nothing, and its rows stay as they are. */
export interface TemplateChoice {
  promptTemplate?: PromptTemplate | undefined;
  /** For `own`: the template in Jinja. */
  ownTemplate?: string | undefined;
  /** Of an adapter that is measured: its own text, whatever the name stands for here and now. */
  keptTemplate?: KeptTemplate | undefined;
}

/** How the rows of a file are read and tokenised once the template is known. */
export interface Templated {
  plan: ColumnPlan;
  tokenizer: TextTokenizer;
  /** Absent: the run has made no choice. */
  kept?: KeptTemplate;
  /** What is kept instead where most prompts and completions turn out to be lists of messages. */
  conversational?: KeptTemplate;
}

type Named = 'alpaca' | 'chatml' | 'llama2' | 'plain';

/** Texts of a tokenizer that a template writes around messages. */
interface Frame {
  /** Jinja for what stands before a text, such as BOS; empty: nothing. */
  start: string;
  /** Jinja for what ends a ChatML turn of the assistant after <|im_end|>, where that is no token of its own. */
  end: string;
}

const SPLIT_SYSTEM = `{%- if messages[0]['role'] == 'system' -%}
{%- set system = messages[0]['content'] -%}{%- set turns = messages[1:] -%}
{%- else -%}{%- set system = '' -%}{%- set turns = messages -%}{%- endif -%}`;

const JINJA: Record<Named, (frame: Frame) => string> = {
  /** Stanford Alpaca (Taori et al. 2023); an input follows its instruction under a heading of its own. */
  alpaca: ({ start }) => `${SPLIT_SYSTEM}${start}
{%- if system -%}{{ system }}
{%- else -%}{{ 'Below is an instruction that describes a task' }}
{%- if turns and '### Input:' in turns[0]['content'] -%}
{{ ', paired with an input that provides further context' }}{%- endif -%}
{{ '. Write a response that appropriately completes the request.' }}{%- endif -%}
{{ '\\n\\n' }}
{%- for message in turns -%}
{%- if message['role'] == 'user' -%}{{ '### Instruction:\\n' + message['content'] + '\\n\\n### Response:\\n' }}
{%- elif message['role'] == 'assistant' -%}{{ message['content'] + eos_token }}
{%- if not loop.last -%}{{ '\\n\\n' }}{%- endif -%}{%- endif -%}
{%- endfor -%}`,
  /** OpenAI's ChatML. */
  chatml: ({ start, end }) => `${start}
{%- for message in messages -%}
{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' }}
{%- if message['role'] == 'assistant' -%}${end}{%- endif -%}{{ '\\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n' }}{%- endif -%}`,
  /** As Llama-2-chat's own. */
  llama2: ({ start }) => `${SPLIT_SYSTEM}
{%- for message in turns -%}
{%- if message['role'] == 'user' -%}${start}{{ '[INST] ' }}
{%- if loop.first and system -%}{{ '<<SYS>>\\n' + system + '\\n<</SYS>>\\n\\n' }}{%- endif -%}
{{ message['content'].strip() + ' [/INST]' }}
{%- elif message['role'] == 'assistant' -%}{{ ' ' + message['content'].strip() + ' ' + eos_token }}
{%- endif -%}
{%- endfor -%}`,
  /** Names and line ends alone, for models that know no markers. */
  plain: ({ start }) => `${start}
{%- for message in messages -%}
{%- if not loop.first -%}{{ '\\n' }}{%- endif -%}
{{ message['role'].capitalize() + ': ' + message['content'] }}
{%- if message['role'] == 'assistant' -%}{{ eos_token }}{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '\\nAssistant:' }}{%- endif -%}`,
};

/**
 * The plan and the tokenizer of a file's rows under the template that a run has chosen. Throws PROMPT_TEMPLATE where
 * model or rows do not suit it.
 */
export function templated(plan: ColumnPlan, tokenizer: TextTokenizer, choice: TemplateChoice): Templated {
  if (choice.keptTemplate) return asKept(plan, tokenizer, choice.keptTemplate);
  const { promptTemplate, ownTemplate } = choice;
  if (promptTemplate === undefined) return { plan, tokenizer };
  if (ownTemplate !== undefined && promptTemplate !== 'own')
    throw unsuited(`it is "${promptTemplate}", and a template of one's own is given; choose "own" for that.`);
  const isChosen = promptTemplate !== 'auto' && promptTemplate !== 'none';
  if (plan.kind === 'text') {
    if (isChosen) throw unsuited('plain texts have no question to put; choose "auto" or "none".');
    return { plan, tokenizer, kept: { name: 'none' } };
  }
  const conversations = tokenizer.chatTemplate === undefined ? 'plain' : 'model';
  const usual = plan.kind === 'messages' ? conversations : usualFor(plan.kind);
  const name = promptTemplate === 'auto' ? usual : promptTemplate;
  const asked = asking(plan, choice);
  if (name !== 'none') {
    const template = templateText(name, tokenizer, ownTemplate);
    return { plan: asked, tokenizer: withTemplate(tokenizer, template), kept: { name, template } };
  }
  if (plan.kind === 'messages') throw unsuited('conversations need a template; choose another one than "none".');
  if (plan.kind !== 'completion' && plan.kind !== 'preference') return { plan: asked, tokenizer, kept: { name } };
  const template = templateText(conversations, tokenizer, undefined);
  const conversational = { name: conversations, template } as const;
  return { plan: asked, tokenizer: withTemplate(tokenizer, template), kept: { name }, conversational };
}

/** As an adapter was asked in its training. */
function asKept(plan: ColumnPlan, tokenizer: TextTokenizer, kept: KeptTemplate): Templated {
  const { name, template } = kept;
  if (plan.kind === 'text') return { plan, tokenizer, kept };
  const asked = asking(plan, { promptTemplate: name });
  return { plan: asked, tokenizer: template === undefined ? tokenizer : withTemplate(tokenizer, template), kept };
}

/** What an adapter keeps of rows, so many of which turned out to be conversations. */
export function keptOf(
  { kept, conversational }: Pick<Templated, 'kept' | 'conversational'>,
  conversations: number,
  rows: number,
): { promptTemplate?: KeptTemplate } {
  const found = conversational && 2 * conversations > rows ? conversational : kept;
  return found ? { promptTemplate: found } : {};
}

/** The plan by which rows are read under a choice, whatever the model. */
export function asking(plan: ColumnPlan, { promptTemplate }: TemplateChoice): ColumnPlan {
  if (promptTemplate === undefined || plan.kind === 'text' || plan.kind === 'messages') return plan;
  const name = promptTemplate === 'auto' ? usualFor(plan.kind) : promptTemplate;
  if (name === 'none') return plan.kind === 'alpaca' ? { ...plan, asked: 'bare' } : plan;
  return { ...plan, asked: name === 'alpaca' ? 'alpaca' : 'turns' };
}

/** A tokenizer that writes conversations by another template than its own. */
export function withTemplate(tokenizer: TextTokenizer, template: string): TextTokenizer {
  return { ...tokenizer, chatTemplate: template };
}

/** `model` stands for `plain` where the model has no template. */
function usualFor(kind: DatasetKind): 'alpaca' | 'model' | 'none' {
  return kind === 'alpaca' ? 'alpaca' : kind === 'messages' ? 'model' : 'none';
}

function templateText(
  name: Exclude<PromptTemplate, 'auto' | 'none'>,
  tokenizer: TextTokenizer,
  own: string | undefined,
): string {
  if (name === 'model') {
    if (tokenizer.chatTemplate !== undefined) return tokenizer.chatTemplate;
    throw unsuited('this model has no chat template; choose ChatML, Alpaca or another one by name.');
  }
  if (name !== 'own') return JINJA[name](frameOf(tokenizer));
  if (own === undefined || own.trim() === '') throw unsuited('the template "own" needs its text in Jinja.');
  const tried = chatSegments(withTemplate(tokenizer, own), { messages: TRIAL });
  if ('reason' in tried)
    throw unsuited(`of a question and an answer ${tried.reason.replace(' of the model', '')}; correct it.`);
  const written = (loss: boolean, text: string): boolean =>
    tried.segments.some((segment) => segment.loss === loss && segment.text.includes(text));
  if (!written(false, QUESTION)) throw unsuited('it does not write the question (message.content of the user).');
  if (!written(true, ANSWER)) throw unsuited('it does not write the answer (message.content of the assistant).');
  return own;
}

/** What a run should be told about its template, a sentence each. */
export function templateWarnings(tokenizer: TextTokenizer, kept: KeptTemplate | undefined): string[] {
  if (kept?.name !== 'own' || kept.template === undefined) return [];
  const tried = chatSegments(withTemplate(tokenizer, kept.template), { messages: TRIAL });
  const learnt =
    'reason' in tried
      ? ''
      : tried.segments
          .filter(({ loss }) => loss)
          .map(({ text }) => text)
          .join('');
  const { eosTexts, controlTexts } = tokenizer;
  if ([...eosTexts, ...controlTexts].some((text) => text !== '' && learnt.includes(text))) return [];
  return [
    'Your template writes no token that ends an answer, so the model will not learn where to stop; put ' +
      '{{ eos_token }} after the content of the assistant.',
  ];
}

const [QUESTION, ANSWER] = ['How much is 2 and 2?', 'It is 4.'];
const TRIAL = [
  { role: 'user', content: QUESTION },
  { role: 'assistant', content: ANSWER },
] as const;

function frameOf(tokenizer: TextTokenizer): Frame {
  const before = tokenizer.decode(tokenizer.encodePrompt(''), { skipSpecialTokens: false });
  const start =
    before === '' ? '' : before === tokenizer.specialText.bos ? '{{ bos_token }}' : `{{ ${quoted(before)} }}`;
  return { start, end: tokenizer.controlTexts.includes('<|im_end|>') ? '' : '{{ eos_token }}' };
}

/** A text as Jinja writes it. */
function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', '\\n')}'`;
}

function unsuited(why: string): Error {
  return usageError('PROMPT_TEMPLATE', `The prompt template does not suit: ${why}`);
}
