/** Programs that ask the service, to copy. */
// @wc-ignore-file

export const LANGUAGES = [
  { value: 'curl', label: 'curl' },
  { value: 'javascript', label: 'JavaScript' },
  { value: 'python', label: 'Python' },
] as const;
export type Language = (typeof LANGUAGES)[number]['value'];

export interface SnippetFacts {
  address: string;
  /** Null: none is asked for. */
  apiKey: string | null;
  model: string;
  /** Continued by a model without one; undefined: a greeting. */
  prompt?: string | undefined;
  /** Whether the model has a template for conversations; else it continues a text. */
  chat: boolean;
}

const PROMPT = 'Hello';
/** The clients want one, even where none is asked for. */
const NO_KEY = 'none';

export function snippet(language: Language, facts: SnippetFacts): string {
  if (language === 'curl') return curl(facts);
  return language === 'javascript' ? javascript(facts) : python(facts);
}

function curl({ address, apiKey, model, chat, prompt = PROMPT }: SnippetFacts): string {
  const body = chat ? { model, messages: [{ role: 'user', content: PROMPT }] } : { model, prompt, max_tokens: 64 };
  const lines = [
    `curl ${address}/${chat ? 'chat/completions' : 'completions'}`,
    ...(apiKey === null ? [] : [`-H ${shellQuoted(`Authorization: Bearer ${apiKey}`)}`]),
    `-H 'Content-Type: application/json'`,
    `-d ${shellQuoted(JSON.stringify(body))}`,
  ];
  return lines.join(' \\\n  ');
}

function javascript({ address, apiKey, model, chat, prompt = PROMPT }: SnippetFacts): string {
  const [call, asked, answer] = chat
    ? ['chat.completions', `messages: [{ role: 'user', content: '${PROMPT}' }]`, 'message.content']
    : ['completions', `prompt: ${JSON.stringify(prompt)},\n  max_tokens: 64`, 'text'];
  return [
    "import OpenAI from 'openai';",
    '',
    'const client = new OpenAI({',
    `  baseURL: ${JSON.stringify(address)},`,
    `  apiKey: ${JSON.stringify(apiKey ?? NO_KEY)},`,
    '});',
    `const answer = await client.${call}.create({`,
    `  model: ${JSON.stringify(model)},`,
    `  ${asked},`,
    '});',
    `console.log(answer.choices[0].${answer});`,
  ].join('\n');
}

function python({ address, apiKey, model, chat, prompt = PROMPT }: SnippetFacts): string {
  const [call, asked, answer] = chat
    ? ['chat.completions', `messages=[{"role": "user", "content": "${PROMPT}"}]`, 'message.content']
    : ['completions', `prompt=${JSON.stringify(prompt)},\n    max_tokens=64`, 'text'];
  return [
    'from openai import OpenAI',
    '',
    'client = OpenAI(',
    `    base_url=${JSON.stringify(address)},`,
    `    api_key=${JSON.stringify(apiKey ?? NO_KEY)},`,
    ')',
    `answer = client.${call}.create(`,
    `    model=${JSON.stringify(model)},`,
    `    ${asked},`,
    ')',
    `print(answer.choices[0].${answer})`,
  ].join('\n');
}

/** For a POSIX shell. */
function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
