/** The command line of the bench. */
import { parseArgs } from 'node:util';
import { BASE_DTYPES, type BaseDtype } from '../../src-shared/baseDtypes.ts';
import { usageError } from '../../src-shared/errors.ts';
import { BIG_SHAPES, type BigShape } from './bigShapes.ts';
import { SIZE_PARTS, type SizePart } from './sizeParts.ts';
import { type BackendName, BACKENDS } from '../../src-shared/backends.ts';

/** What the case `sizes` measures. */
export interface SizesOptions {
  /** Null: all. */
  models: BigShape[] | null;
  /** Null: what each model is for. */
  parts: SizePart[] | null;
  /** Of the one row. */
  tokens: number;
}

export interface BenchArguments {
  cases: string[];
  engine: BackendName;
  base: BaseDtype;
  quick: boolean;
  profile: boolean;
  tiny: boolean;
  docs: boolean;
  torch: string | null;
  sizes: SizesOptions;
  /** Null: whatever the driver takes. */
  gpu: string | null;
  /** Folder for the JSON; null: bench/results. */
  out: string | null;
}

export const USAGE = `npm run bench -- CASE…|all [--quick] [--profile] [--docs]
    [--engine ${BACKENDS.join('|')}] [--torch DIR|PYTHON]
  --quick      fewer repetitions and sizes
  --profile    also prints the time per kernel of one training step, one text, one loading
  --docs       writes the tables into docs/performance.md and the plots beside it
  --torch …    a folder whose py runs Python with PyTorch, or a Python (else GRAFT_TORCH);
               without it Graft's figures stand alone
  --base D     how LoRA's frozen linear layers are kept (webgpu): ${BASE_DTYPES.join(', ')}
  --tiny       step-* and kernels at sizes that show only that everything runs
  --models M,… of the case sizes: ${BIG_SHAPES.join(', ')}
  --parts P,…  of the case sizes: ${SIZE_PARTS.join(', ')}; --tokens N: of its one row (64)
  --gpu NAME|N the graphics card, where there are several
  --out DIR    where the JSON goes (else bench/results)`;

const flag = { type: 'boolean', default: false } as const;
const text = { type: 'string' } as const;
const OPTIONS = {
  engine: { ...text, default: 'tensorflow' },
  base: { ...text, default: 'f32' },
  quick: flag,
  profile: flag,
  tiny: flag,
  docs: flag,
  models: text,
  parts: text,
  gpu: text,
  tokens: { ...text, default: '64' },
  torch: text,
  out: text,
} as const;

/**
 * `all`: what that word stands for; `named`: cases that must be asked for. Throws a usage GraftError for an unknown
 * case, engine or option.
 */
export function parseBenchArguments(
  args: string[],
  { all, named }: { all: string[]; named: string[] },
  env: NodeJS.ProcessEnv = process.env,
): BenchArguments {
  const { values, positionals } = parse(args);
  const known = [...all, ...named];
  const cases = [...new Set(positionals.flatMap((name) => (name === 'all' ? all : [name])))];
  const unknown = cases.filter((name) => !known.includes(name));
  if (unknown.length || !cases.length)
    throw usageError(
      'UNKNOWN_CASE',
      `Case ${unknown.join(', ') || '(none)'} does not exist; choose among ${known.join(', ')}, all.`,
    );
  const engine = BACKENDS.find((name) => name === values.engine);
  if (!engine)
    throw usageError('UNKNOWN_ENGINE', `Engine ${values.engine} does not exist; choose among ${BACKENDS.join(', ')}.`);
  const base = BASE_DTYPES.find((name) => name === values.base);
  if (!base)
    throw usageError('UNKNOWN_BASE', `Base ${values.base} does not exist; choose among ${BASE_DTYPES.join(', ')}.`);
  const { quick, profile, tiny, docs } = values;
  return {
    cases,
    engine,
    base,
    quick,
    profile,
    tiny,
    docs,
    torch: values.torch ?? env['GRAFT_TORCH'] ?? null,
    sizes: {
      models: listOf('models', values.models, BIG_SHAPES),
      parts: listOf('parts', values.parts, SIZE_PARTS),
      tokens: tokensOf(values.tokens),
    },
    gpu: values.gpu ?? null,
    out: values.out ?? null,
  };
}

/** The words of `given`, which are among `known`; null: not given. */
function listOf<T extends string>(option: string, given: string | undefined, known: readonly T[]): T[] | null {
  if (given === undefined) return null;
  return given.split(',').map((word) => {
    const found = known.find((one) => one === word);
    if (!found) throw usageError('BAD_OPTION', `--${option} takes ${known.join(', ')}, not ${word}.`);
    return found;
  });
}

function tokensOf(given: string): number {
  const tokens = Number(given);
  if (Number.isInteger(tokens) && tokens >= 2) return tokens;
  throw usageError('BAD_OPTION', `--tokens takes a whole number of at least 2, not ${given}.`);
}

function parse(args: string[]) {
  try {
    return parseArgs({ args, allowPositionals: true, options: OPTIONS });
  } catch (error) {
    throw usageError('BAD_OPTION', `${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
  }
}
