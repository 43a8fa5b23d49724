/** What a command of the command line is, and what it gets to work with. */
import { COMPUTE_SETTINGS } from '../../../src-shared/settings/compute.ts';
import type { Caller } from '../../api/router.ts';
import type { Services } from '../../app/services.ts';
import type { Args, Options } from './args.ts';
import { optionOf, optionsOf } from './settingOptions.ts';

export interface Context {
  args: Args;
  services: Services;
  /** The API, as the app calls it. */
  api: Caller;
  json: boolean;
  /** A line of the readable result on stdout; nothing with --json. */
  print(line: string): void;
  /** Text without a line break on stdout; nothing with --json. */
  write(text: string): void;
  /** A line of progress on stderr. */
  say(line: string): void;
  /** What is done first after Ctrl-C; replaces what was named before. */
  onInterrupt?(work: () => void): void;
}

export interface Command {
  /** One or two words, for example `models add`. */
  name: string;
  /** Names for the help; `[NAME]` may be left out. */
  positionals: string[];
  summary: string;
  options: Options;
  /** It answers signals itself. */
  endsItself?: true;
  /** Returns the machine-readable result. */
  run(context: Context): Promise<object>;
}

export const MODEL_OPTION = {
  type: 'string',
  value: 'DIR',
  help: 'folder of the base model, or its name or id in the catalogue',
} as const;
export const ADAPTER_OPTION = {
  type: 'string',
  value: 'ID|DIR',
  help: 'adapter of the catalogue, or a PEFT folder',
} as const;
export const COMPUTE_OPTIONS = optionsOf(COMPUTE_SETTINGS);
export const ENGINE_OPTION = optionOf(COMPUTE_SETTINGS.engine);
