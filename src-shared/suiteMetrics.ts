/** What a suite can measure; how is in src-main/evaluation/. */

/** - `answer`: the model writes an answer; `choice`: it holds one of several continuations likeliest. */
export const SUITE_TASKS = ['answer', 'choice'] as const;
export type SuiteTask = (typeof SUITE_TASKS)[number];

export interface MetricFacts {
  label: string;
  help: string;
  task: SuiteTask | 'both';
  /** Points are 0 to 100; a loss is nats per token, and lower is better. */
  unit: 'points' | 'loss';
}

export const SUITE_METRICS = {
  exactMatch: {
    label: 'Exact match',
    help: 'Answers that are a reference word for word, but for white space around them.',
    task: 'answer',
    unit: 'points',
  },
  normalisedMatch: {
    label: 'Normalised match',
    help: 'The same in lower case, without punctuation and articles, as SQuAD compares answers.',
    task: 'answer',
    unit: 'points',
  },
  tokenF1: {
    label: 'Token F1',
    help: 'F1 of the words that answer and reference share, as SQuAD counts them; the best of several references.',
    task: 'answer',
    unit: 'points',
  },
  bleu: {
    label: 'BLEU',
    help: 'BLEU of all answers together, as sacreBLEU computes it (13a, exp).',
    task: 'answer',
    unit: 'points',
  },
  chrf: {
    label: 'chrF',
    help: 'F of character n-grams up to 6, as sacreBLEU computes it (beta 2).',
    task: 'answer',
    unit: 'points',
  },
  chrfPlus: {
    label: 'chrF++',
    help: 'chrF with words and pairs of words beside the characters.',
    task: 'answer',
    unit: 'points',
  },
  rougeL: {
    label: 'ROUGE-L',
    help: 'F of the longest common subsequence of words; the best of several references.',
    task: 'answer',
    unit: 'points',
  },
  jsonValid: { label: 'Valid JSON', help: 'Answers that are JSON as a whole.', task: 'answer', unit: 'points' },
  jsonFields: {
    label: 'JSON fields',
    help: 'F1 of the fields that answer and reference share, by path and value.',
    task: 'answer',
    unit: 'points',
  },
  jsonSchema: {
    label: 'JSON schema',
    help: 'Answers that are JSON which a given schema allows.',
    task: 'answer',
    unit: 'points',
  },
  pattern: {
    label: 'Pattern',
    help: 'Answers in which a pattern is found; with a group, those where it holds what it holds in a reference.',
    task: 'answer',
    unit: 'points',
  },
  accuracy: {
    label: 'Accuracy',
    help: 'Answers that are the right one of the labels, upper and lower case alike.',
    task: 'answer',
    unit: 'points',
  },
  macroF1: {
    label: 'Macro F1',
    help: 'F1 of each label, and the mean of them: rare labels count as much as frequent ones.',
    task: 'answer',
    unit: 'points',
  },
  acc: {
    label: 'acc',
    help: 'Questions whose right choice has the highest log-likelihood, as in lm-evaluation-harness.',
    task: 'choice',
    unit: 'points',
  },
  accNorm: {
    label: 'acc_norm',
    help: 'The same with each log-likelihood divided by the characters of its choice.',
    task: 'choice',
    unit: 'points',
  },
  loss: {
    label: 'Loss',
    help: 'Mean cross-entropy per token of the first reference of each question; perplexity is its exponential.',
    task: 'both',
    unit: 'loss',
  },
  generalLoss: {
    label: 'General loss',
    help: 'The same on rows that have nothing to do with the task: where it rises, the model has forgotten.',
    task: 'both',
    unit: 'loss',
  },
} as const satisfies Record<string, MetricFacts>;
export type SuiteMetric = keyof typeof SUITE_METRICS;

/** Those that a user chooses; the general loss comes with a general dataset. */
export const CHOSEN_METRICS: SuiteMetric[] = (Object.keys(SUITE_METRICS) as SuiteMetric[]).filter(
  (name) => name !== 'generalLoss',
);

export function isMetricOf(name: SuiteMetric, task: SuiteTask): boolean {
  const { task: own }: MetricFacts = SUITE_METRICS[name];
  return own === task || own === 'both';
}
