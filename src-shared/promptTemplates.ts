/** How a question is put to a model and where its answer stands, in training and whenever it is asked afterwards. */

/**
 * `auto`: what the rows are made for: conversations by the model's own template, instructions as Alpaca, prompt and
 * completion one after the other (`none`).
 */
export const PROMPT_TEMPLATES = ['auto', 'none', 'model', 'alpaca', 'chatml', 'llama2', 'plain', 'own'] as const;
export type PromptTemplate = (typeof PROMPT_TEMPLATES)[number];

export const PROMPT_TEMPLATE_LABELS: Record<PromptTemplate, string> = {
  auto: 'By the data',
  none: 'None',
  model: "The model's chat template",
  alpaca: 'Alpaca',
  chatml: 'ChatML',
  llama2: 'Llama 2',
  plain: 'User and Assistant',
  own: 'My own',
};

/** What a run has decided on, as its adapter keeps it. */
export interface KeptTemplate {
  name: Exclude<PromptTemplate, 'auto'>;
  /** The chat template, in Jinja, that writes it; absent where a prompt is continued as it is. */
  template?: string | undefined;
}
