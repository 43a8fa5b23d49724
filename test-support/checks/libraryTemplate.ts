/** A chat template written by the library of Jinja itself, without what Graft does around it. */
import { Template } from '@huggingface/jinja';
import type { TextTokenizer } from '../../src-main/datasets/tokenizer.ts';
import type { Message } from '../../src-shared/datasets.ts';

/** The conversation up to where the next answer begins. */
export function libraryText(template: string, messages: readonly Message[], { specialText }: TextTokenizer): string {
  const { bos, eos } = specialText;
  return new Template(template).render({ messages, add_generation_prompt: true, bos_token: bos, eos_token: eos });
}
