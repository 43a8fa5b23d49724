/** The prompt of Stanford Alpaca (Taori et al. 2023); a prompt in the playground must have the same form. */

/** An earlier question with its answer. */
export type Turn = [question: string, answer: string];

interface AlpacaRow {
  instruction: string;
  input?: string | undefined;
  /** In place of the opening sentences. */
  system?: string | undefined;
  history?: readonly Turn[];
}

/** System text and earlier turns stand where LLaMA-Factory's template `alpaca` has them; no token of them is learnt. */
export function alpacaPrompt({ instruction, input = '', system = '', history = [] }: AlpacaRow): string {
  const hasInput = input.trim() !== '';
  const context = hasInput ? ', paired with an input that provides further context' : '';
  const inputPart = hasInput ? `### Input:\n${input}\n\n` : '';
  const opening =
    system.trim() === ''
      ? `Below is an instruction that describes a task${context}. Write a response that appropriately completes the ` +
        'request.'
      : system;
  const earlier = history.map(([asked, said]) => `### Instruction:\n${asked}\n\n### Response:\n${said}\n\n`).join('');
  return `${opening}\n\n${earlier}### Instruction:\n${instruction}\n\n${inputPart}### Response:\n`;
}

/** A question with its input under Alpaca's heading, as one turn of a conversation. */
export function alpacaQuestion(instruction: string, input: string): string {
  return input.trim() === '' ? instruction : `${instruction}\n\n### Input:\n${input}`;
}

/** `value`: a list of [question, answer] pairs, the JSON text of one, or nothing. */
export function readHistory(value: unknown, column: string): { turns: Turn[] } | { reason: string } {
  if (value === undefined || value === null || value === '') return { turns: [] };
  const list = typeof value === 'string' ? parsed(value) : value;
  if (Array.isArray(list) && list.every(isTurn)) return { turns: list };
  return { reason: `"${column}" is not a list of earlier turns, each [question, answer]` };
}

function isTurn(value: unknown): value is Turn {
  return Array.isArray(value) && value.length === 2 && value.every((text) => typeof text === 'string');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
