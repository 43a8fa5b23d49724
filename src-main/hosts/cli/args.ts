/** Reading a command's options: every wrong value is a usage error that names the option and what it takes. */
import { parseArgs } from 'node:util';
import { usageError } from '../../../src-shared/errors.ts';

export interface Option {
  type: 'string' | 'boolean';
  multiple?: boolean;
  /** What the value is, for the help: `N`, `DIR`. */
  value?: string;
  help: string;
}
export type Options = Record<string, Option>;

export class Args {
  #values: Record<string, string | boolean | (string | boolean)[] | undefined>;
  readonly positionals: string[];

  constructor(values: Args['raw'], positionals: string[]) {
    this.#values = values;
    this.positionals = positionals;
  }

  get raw(): Record<string, string | boolean | (string | boolean)[] | undefined> {
    return this.#values;
  }

  flag(name: string): boolean {
    return this.#values[name] === true;
  }

  text(name: string): string | undefined {
    const value = this.#values[name];
    if (value === '') throw bad(name, value, 'a value that is not empty');
    return typeof value === 'string' ? value : undefined;
  }

  required(name: string, what: string): string {
    const value = this.text(name);
    if (value === undefined) throw usageError('BAD_USAGE', `--${name} is missing; give ${what}.`, { option: name });
    return value;
  }

  texts(name: string): string[] {
    const value = this.#values[name];
    return Array.isArray(value) ? value.map(String) : [];
  }

  number(name: string): number | undefined {
    const text = this.text(name);
    return text === undefined ? undefined : numberOf(name, text);
  }

  /** Of a repeatable option. */
  numbers(name: string): number[] {
    return this.texts(name).map((text) => numberOf(name, text));
  }

  integer(name: string): number | undefined {
    const value = this.number(name);
    if (value !== undefined && !Number.isInteger(value)) throw bad(name, this.text(name)!, 'a whole number');
    return value;
  }

  positive(name: string): number | undefined {
    const value = this.number(name);
    if (value !== undefined && value <= 0) throw bad(name, this.text(name)!, 'a number greater than 0');
    return value;
  }

  choice<T extends string>(name: string, choices: readonly T[]): T | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const found = choices.find((choice) => choice === text);
    if (found === undefined) throw bad(name, text, `one of ${choices.join(', ')}`);
    return found;
  }

  /** `q,v` as a list. */
  list<T extends string>(name: string, choices: readonly T[]): T[] | undefined {
    const text = this.text(name);
    return text?.split(',').map((part) => {
      const found = choices.find((choice) => choice === part.trim());
      if (found === undefined) throw bad(name, text, `a list out of ${choices.join(', ')}`);
      return found;
    });
  }

  /** `0,1` and `6-11`, in any mixture, rising and each once. `what` names them for the error, with an example. */
  ranges(name: string, what: string): number[] | undefined {
    const text = this.text(name);
    const numbers = text?.split(',').flatMap((part) => {
      const match = /^\s*(\d{1,7})(?:-(\d{1,7}))?\s*$/.exec(part);
      const [first, last] = match ? [Number(match[1]), Number(match[2] ?? match[1])] : [1, 0];
      if (first > last) throw bad(name, text, what);
      return Array.from({ length: last - first + 1 }, (_, i) => first + i);
    });
    return numbers && [...new Set(numbers)].sort((a, b) => a - b);
  }

  /** Repeated `--map wanted=inFile` as a record. */
  record(name: string): Record<string, string> {
    return Object.fromEntries(
      this.texts(name).map((text) => {
        const at = text.indexOf('=');
        if (at < 1 || at === text.length - 1) throw bad(name, text, 'wanted=nameInFile, for example prompt=question');
        return [text.slice(0, at), text.slice(at + 1)];
      }),
    );
  }
}

function numberOf(name: string, text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw bad(name, text, 'a number');
  return value;
}

export function bad(name: string, got: string, want: string): Error {
  return usageError('BAD_USAGE', `--${name} "${got}" is not valid; give ${want}.`, { option: name, got });
}

/** `--scale -1` as `--scale=-1`: a dash begins an option for parseArgs, whatever follows. */
function withNegativeValues(argv: string[], options: Options): string[] {
  const joined: string[] = [];
  for (const text of argv) {
    const before = joined.at(-1);
    if (/^-[\d.]/.test(text) && before?.startsWith('--') && options[before.slice(2)]?.type === 'string')
      joined[joined.length - 1] = `${before}=${text}`;
    else joined.push(text);
  }
  return joined;
}

/**
 * `PATH…`, the last one, stands for one or more. Throws a usage error BAD_USAGE for an unknown option, a missing value,
 * or too few or too many arguments.
 */
export function readArgs(argv: string[], options: Options, positionals: string[]): Args {
  const config = Object.fromEntries(
    Object.entries(options).map(([name, { type, multiple }]) => [name, { type, multiple: multiple ?? false }]),
  );
  let parsed;
  try {
    parsed = parseArgs({ args: withNegativeValues(argv, options), options: config, allowPositionals: true });
  } catch (error) {
    const sentence = (error instanceof Error ? error.message : String(error)).split(/[.\n]/)[0];
    throw usageError('BAD_USAGE', `${sentence}; --help lists the options.`);
  }
  const args = new Args(parsed.values, parsed.positionals);
  const needed = positionals.filter((name) => !name.startsWith('['));
  if (!args.flag('help')) {
    const missing = needed[args.positionals.length]?.replace('…', '');
    if (missing) throw usageError('BAD_USAGE', `${missing} is missing; --help shows the form of the command.`);
    const extra = positionals.at(-1)?.endsWith('…') ? undefined : args.positionals[positionals.length];
    if (extra !== undefined)
      throw usageError('BAD_USAGE', `"${extra}" is one argument too many; put quotes around values that hold blanks.`);
  }
  return args;
}
