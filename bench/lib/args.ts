/** The command line of the bench. */
import { parseArgs } from 'node:util';
import { usageError } from '../../src-main/errors.ts';
import { ENGINES, type EngineName } from '../../src-main/trainer/protocol.ts';

export interface BenchArguments {
  cases: string[];
  engine: EngineName;
  quick: boolean;
  profile: boolean;
  docs: boolean;
  tcmalloc: boolean;
  torchDir: string | null;
}

export const USAGE = `npm run bench -- CASE|all [--quick] [--profile] [--docs] [--engine tensorflow|webgpu|wasm] [--torch DIR] [--tcmalloc]
  --quick      fewer repetitions
  --profile    also prints the time per kernel of one training step
  --docs       writes the tables into docs/performance.md
  --torch DIR  DIR/py runs Python with PyTorch (else GRAFT_TORCH); without it Graft's figures stand alone
  --tcmalloc   also races PyTorch with tcmalloc`;

/** Throws a usage GraftError for an unknown case, engine or option. */
export function parseBenchArguments(args: string[], known: string[], env: NodeJS.ProcessEnv = process.env): BenchArguments {
  const { values, positionals } = parse(args);
  const cases = positionals.includes('all') ? known : positionals;
  const unknown = cases.filter((name) => !known.includes(name));
  if (unknown.length || !cases.length) throw usageError('UNKNOWN_CASE', `Case ${unknown.join(', ') || '(none)'} does not exist; choose among ${known.join(', ')}, all.`);
  const engine = ENGINES.find((name) => name === values.engine);
  if (!engine) throw usageError('UNKNOWN_ENGINE', `Engine ${values.engine} does not exist; choose among ${ENGINES.join(', ')}.`);
  return { cases, engine, quick: values.quick, profile: values.profile, docs: values.docs, tcmalloc: values.tcmalloc, torchDir: values.torch ?? env['GRAFT_TORCH'] ?? null };
}

function parse(args: string[]): { values: { engine: string; quick: boolean; profile: boolean; docs: boolean; tcmalloc: boolean; torch?: string | undefined }; positionals: string[] } {
  const flag = { type: 'boolean', default: false } as const;
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: { engine: { type: 'string', default: 'tensorflow' }, quick: flag, profile: flag, docs: flag, tcmalloc: flag, torch: { type: 'string' } },
    });
  } catch (error) {
    throw usageError('BAD_OPTION', `${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
  }
}
