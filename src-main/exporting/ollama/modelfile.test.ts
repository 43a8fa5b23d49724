/**
 * Modelfiles: what Ollama's template writes, by a reader of Go's templates of its own, against what the model's Jinja
 * template writes.
 */
import { describe, expect, it } from 'vitest';
import { renderOllama } from '../../../test-support/checks/goTemplate.ts';
import type { Message } from '../../../src-shared/datasets.ts';
import { chatText } from '../../datasets/chat.ts';
import type { TextTokenizer } from '../../datasets/tokenizer.ts';
import { modelfileFor } from './modelfile.ts';

const special = (bos: string, eos: string): TextTokenizer['specialText'] => ({ bos, eos, pad: '', unk: '' });

interface Style {
  template?: string;
  bos: string;
  eos: string;
  /** Whether the tokenizer itself puts the BOS before a text. */
  addsBos: boolean;
  control?: string[];
  stops: string[];
}

const STYLES: Record<string, Style> = {
  ChatML: {
    template:
      "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' " +
      "+ '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}",
    bos: '<|endoftext|>',
    eos: '<|im_end|>',
    addsBos: false,
    control: ['<|im_start|>', '<|im_end|>'],
    stops: ['<|im_end|>'],
  },
  'ChatML with a system message of its own, as Qwen2.5': {
    template:
      "{% if messages[0]['role'] != 'system' %}{{ '<|im_start|>system\\nYou are Qwen.<|im_end|>\\n' }}{% endif %}" +
      "{% for message in messages %}{{ '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}" +
      "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}",
    bos: '',
    eos: '<|im_end|>',
    addsBos: false,
    stops: ['<|im_end|>'],
  },
  'Llama 3': {
    template:
      "{% for message in messages %}{% set content = '<|start_header_id|>' + message['role'] + " +
      "'<|end_header_id|>\\n\\n' + message['content'] | trim + '<|eot_id|>' %}{% if loop.index0 == 0 %}" +
      '{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}{% if add_generation_prompt %}' +
      "{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}",
    bos: '<|begin_of_text|>',
    eos: '<|end_of_text|>',
    addsBos: true,
    control: ['<|start_header_id|>', '<|end_header_id|>', '<|eot_id|>'],
    stops: ['<|end_of_text|>', '<|eot_id|>'],
  },
  'Llama 2': {
    template:
      "{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}" +
      "{% set system_message = messages[0]['content'] %}{% else %}{% set loop_messages = messages %}" +
      '{% set system_message = false %}{% endif %}{% for message in loop_messages %}' +
      "{% if loop.index0 == 0 and system_message != false %}{% set content = '<<SYS>>\\n' + system_message + " +
      "'\\n<</SYS>>\\n\\n' + message['content'] %}{% else %}{% set content = message['content'] %}{% endif %}" +
      "{% if message['role'] == 'user' %}{{ bos_token + '[INST] ' + content + ' [/INST]' }}{% else %}" +
      "{{ ' ' + content + ' ' + eos_token }}{% endif %}{% endfor %}",
    bos: '<s>',
    eos: '</s>',
    addsBos: true,
    control: ['<s>', '</s>'],
    stops: ['</s>'],
  },
  'Mistral, the system before the last question': {
    template:
      "{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}" +
      "{% set system_message = messages[0]['content'] %}{% else %}{% set loop_messages = messages %}{% endif %}" +
      "{{ bos_token }}{% for message in loop_messages %}{% if message['role'] == 'user' %}" +
      "{% if loop.last and system_message is defined %}{{ '[INST] ' + system_message + '\\n\\n' + message['content'] " +
      "+ '[/INST]' }}{% else %}{{ '[INST] ' + message['content'] + '[/INST]' }}{% endif %}{% else %}" +
      "{{ ' ' + message['content'] + eos_token }}{% endif %}{% endfor %}",
    bos: '<s>',
    eos: '</s>',
    addsBos: true,
    control: ['<s>', '</s>', '[INST]', '[/INST]'],
    stops: ['</s>'],
  },
  'Gemma, which takes the system into the first question': {
    template:
      "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{% set first = messages[0]['content'] + '\\n\\n' %}" +
      "{% set rest = messages[1:] %}{% else %}{% set first = '' %}{% set rest = messages %}{% endif %}" +
      "{% for message in rest %}{% set role = 'model' if message['role'] == 'assistant' else message['role'] %}" +
      "{{ '<start_of_turn>' + role + '\\n' + (first if loop.first else '') + message['content'] | trim + " +
      "'<end_of_turn>\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<start_of_turn>model\\n' }}{% endif %}",
    bos: '<bos>',
    eos: '<eos>',
    addsBos: true,
    control: ['<start_of_turn>', '<end_of_turn>'],
    stops: ['<eos>', '<end_of_turn>'],
  },
  'Gemma 2, which refuses a system message': {
    template:
      "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}" +
      "{% for message in messages %}{% set role = 'model' if message['role'] == 'assistant' else message['role'] %}" +
      "{{ '<start_of_turn>' + role + '\\n' + message['content'] + '<end_of_turn>\\n' }}{% endfor %}" +
      "{% if add_generation_prompt %}{{ '<start_of_turn>model\\n' }}{% endif %}",
    bos: '<bos>',
    eos: '<eos>',
    addsBos: true,
    control: ['<start_of_turn>', '<end_of_turn>'],
    stops: ['<eos>', '<end_of_turn>'],
  },
  'Phi-3, which ends a conversation that is over with its EOS': {
    template:
      "{% for message in messages %}{{ '<|' + message['role'] + '|>\\n' + message['content'] + '<|end|>\\n' }}" +
      "{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% else %}{{ eos_token }}{% endif %}",
    bos: '<s>',
    eos: '<|endoftext|>',
    addsBos: false,
    control: ['<|user|>', '<|assistant|>', '<|end|>', '<|system|>'],
    stops: ['<|endoftext|>', '<|end|>'],
  },
  Alpaca: {
    template:
      "{% for message in messages %}{% if message.role == 'system' %}{{ message.content + '\\n\\n' }}" +
      "{% elif message.role == 'user' %}{{ '### Instruction:\\n' + message.content + '\\n\\n' }}{% else %}" +
      "{{ '### Response:\\n' + message.content + '\\n\\n' }}{% endif %}{% endfor %}" +
      "{% if add_generation_prompt %}{{ '### Response:\\n' }}{% endif %}",
    bos: '<s>',
    eos: '</s>',
    addsBos: false,
    stops: ['</s>', '### Instruction:'],
  },
  'no template: written plainly': { bos: '<s>', eos: '</s>', addsBos: true, control: ['</s>'], stops: ['</s>'] },
};

function tokenizerOf({ template, bos, eos, addsBos, control = [] }: Style): TextTokenizer {
  return {
    encodePrompt: () => (addsBos ? [1, 5] : [5]),
    bosId: 1,
    specialText: special(bos, eos),
    chatTemplate: template,
    controlTexts: control,
    eosTexts: [eos],
  } as unknown as TextTokenizer;
}

const templateIn = (text: string): string => /TEMPLATE """(.*)"""\n/s.exec(text)![1]!;

const user = (content: string) => ({ role: 'user', content }) as const;
const assistant = (content: string) => ({ role: 'assistant', content }) as const;
const SYSTEM = { role: 'system', content: 'Answer in one sentence.' } as const;
const CONVERSATIONS = [
  [user('When do you open?')],
  [user('Größe? 日本語 😀'), assistant('L.'), user('  {{ .System }} and <b>?')],
  [user('a'), assistant('b'), user('c'), assistant('d\n\ne'), user('f')],
];

describe.each(Object.entries(STYLES))('%s', (_, style) => {
  const tokenizer = tokenizerOf(style);
  const { text, notes } = modelfileFor({ gguf: 'colours-Q8_0.gguf', tokenizer, rows: 'messages' });
  const takesSystem = !notes.some((note) => note.includes('no place for a system message'));

  it('Ollama writes what the template of the model writes', () => {
    for (const turns of CONVERSATIONS)
      for (const messages of takesSystem ? [turns, [SYSTEM, ...turns]] : [turns]) {
        const trimmed = messages.map((message) => ({ ...message, content: message.content.trim() }));
        const want = chatText(tokenizer, trimmed, true);
        const begins = style.addsBos && style.bos !== '' && want.startsWith(style.bos);
        expect(renderOllama(templateIn(text), trimmed)).toBe(begins ? want.slice(style.bos.length) : want);
      }
  });

  it('stops where an answer ends', () => {
    const stops = [...text.matchAll(/^PARAMETER stop "(.*)"$/gm)].map(([, stop]) => stop);
    expect(stops).toEqual(style.stops);
  });
});

it('names the file, and neither an adapter nor a system message of its own', () => {
  const tokenizer = tokenizerOf(STYLES['ChatML']!);
  const { text } = modelfileFor({ gguf: 'colours-Q8_0.gguf', tokenizer });
  expect(text.startsWith('FROM ./colours-Q8_0.gguf\nTEMPLATE """')).toBe(true);
  expect(text).not.toMatch(/ADAPTER|SYSTEM "/);
});

describe('what the adapter was trained on', () => {
  const tokenizer = tokenizerOf(STYLES['ChatML']!);
  const rendered = (rows: 'completion' | 'text' | 'alpaca', messages: Message[]): string =>
    renderOllama(templateIn(modelfileFor({ gguf: 'a.gguf', tokenizer, rows }).text), messages);

  it('prompts as they are stay as they are', () => {
    for (const rows of ['completion', 'text'] as const)
      expect(rendered(rows, [user('name: Oak |')])).toBe('name: Oak |');
    const { notes } = modelfileFor({ gguf: 'a.gguf', tokenizer, rows: 'completion' });
    expect(notes).toEqual([expect.stringMatching(/trained on prompts as they are/)]);
  });

  it('instructions stand in the frame of Stanford Alpaca', () => {
    const opening =
      'Below is an instruction that describes a task. Write a response that appropriately completes the request.';
    expect(rendered('alpaca', [user('Add 1 and 2.')])).toBe(
      `${opening}\n\n### Instruction:\nAdd 1 and 2.\n\n### Response:\n`,
    );
    expect(rendered('alpaca', [SYSTEM, user('a'), assistant('b'), user('c')])).toBe(
      'Answer in one sentence.\n\n### Instruction:\na\n\n### Response:\nb\n\n### Instruction:\nc\n\n### Response:\n',
    );
  });
});

it('leaves TEMPLATE out and says why where the template is more than a frame', () => {
  const odd = (template: string) =>
    modelfileFor({ gguf: 'a.gguf', tokenizer: tokenizerOf({ ...STYLES['ChatML']!, template }) });
  const count = odd('{{ messages | length }}{% for m in messages %}<{{ m.content }}>{% endfor %}');
  const upper = odd('{% for m in messages %}<{{ m.content | upper }}>{% endfor %}');
  const broken = odd('{% for %}');
  for (const { text, notes } of [count, upper, broken]) {
    expect(text).not.toContain('TEMPLATE');
    expect(notes).toEqual([expect.stringMatching(/has no TEMPLATE.*Ollama then looks at the template in the GGUF/)]);
  }
  expect(odd("{% for m in messages %}{{ '{{' }}{{ m.content }}{% endfor %}").notes[0]).toMatch(/a Modelfile cannot/);
});

it('an end that the adapter was taught is a stop', () => {
  const { text } = modelfileFor({
    gguf: 'a.gguf',
    tokenizer: tokenizerOf(STYLES['Alpaca']!),
    endTexts: ['<|end|>'],
  });
  expect(text).toContain('PARAMETER stop "<|end|>"');
});
