/** The figures as docs/methods.md shows them. */
export interface MethodFigures {
  name: string;
  lr: number;
  trainable: number;
  initialValLoss: number;
  /** One per seed. */
  valLosses: number[];
  /** Of the first seed. */
  bleu: number | null;
  /** Why the base model cannot have this method. */
  refused: string | null;
}

/** What the others' losses are compared with, seed by seed: each seed holds out other rows. */
const REFERENCE = 'LoRA q, v; r 8';

/** `steps`: median milliseconds of a step by method; empty where no times were taken. */
export function methodTable(all: MethodFigures[], steps: ReadonlyMap<string, number>, baseBleu: number): string {
  const known = all.find(({ refused }) => refused === null);
  const reference = all.find(({ name }) => name === REFERENCE);
  const head = [
    'method',
    'trained values',
    'learning rate',
    'validation loss',
    '± over seeds',
    `against ${REFERENCE}`,
    'BLEU',
    'step, ms',
  ];
  const rows = all.map((figures) => {
    const { name, trainable, lr, valLosses, bleu, refused } = figures;
    if (refused !== null) return [name, '–', '–', refused, '', '', '', ''];
    return [
      name,
      trainable.toLocaleString('en'),
      String(lr),
      mean(valLosses).toFixed(4),
      deviation(valLosses).toFixed(4),
      against(valLosses, reference?.valLosses),
      bleu!.toFixed(2),
      show(steps.get(name)),
    ];
  });
  const base = [
    'base, untrained',
    '0',
    '–',
    known ? known.initialValLoss.toFixed(4) : '–',
    '',
    '',
    baseBleu.toFixed(2),
    '',
  ];
  return table(head, [base, ...rows]);
}

/** `tokens`: median milliseconds per token; the first is what the others are compared with. */
export function tokenTable(tokens: ReadonlyMap<string, number>): string {
  const first = tokens.values().next().value ?? NaN;
  return table(
    ['one row, a new token', 'ms', 'added'],
    [...tokens].map(([name, ms]) => [
      name,
      ms.toFixed(2),
      ms === first ? '' : `${ms >= first ? '+' : ''}${(100 * (ms / first - 1)).toFixed(1)} %`,
    ]),
  );
}

/** Mean and standard deviation of the differences, seed by seed. */
function against(losses: number[], reference: number[] | undefined): string {
  if (!reference || reference === losses) return '';
  const differences = losses.map((loss, i) => loss - reference[i]!);
  return (
    `${mean(differences) < 0 ? '−' : '+'}${Math.abs(mean(differences)).toFixed(4)} ± ` +
    `${deviation(differences).toFixed(4)}`
  );
}

function table(head: string[], rows: string[][]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function show(ms: number | undefined): string {
  return ms === undefined ? '' : ms.toFixed(1);
}

function mean(values: number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Sample standard deviation; 0 for a single value. */
function deviation(values: number[]): number {
  if (values.length < 2) return 0;
  const middle = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (values.length - 1));
}
