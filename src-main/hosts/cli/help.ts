/** The help texts, made from the commands themselves. */
import type { Options } from './args.ts';
import type { Command } from './command.ts';

export const COMMON_OPTIONS: Options = {
  gpu: { type: 'string', value: 'NAME|N', help: 'the graphics card to compute on (`graft doctor` lists them)' },
  json: { type: 'boolean', help: 'one JSON object on stdout instead of text' },
  help: { type: 'boolean', help: 'show this help' },
};

export function overview(commands: Command[]): string {
  const width = Math.max(...commands.map((command) => form(command).length));
  return [
    'graft <command> [options]: fine-tunes language models with LoRA on this machine.',
    '',
    ...commands.map((command) => `  ${form(command).padEnd(width)}  ${command.summary}`),
    '',
    'graft <command> --help shows its options. Results go to stdout (--json: one object), progress to stderr.',
    'Exit codes: 0 done, 1 failed, 2 wrong usage. GRAFT_HOME sets the data folder, GRAFT_GPU the graphics card.',
  ].join('\n');
}

export function commandHelp(command: Command): string {
  const options = Object.entries({ ...command.options, ...COMMON_OPTIONS }).map(
    ([name, option]) => [`--${name}${option.value ? ` ${option.value}` : ''}`, option.help] as const,
  );
  const width = Math.max(...options.map(([left]) => left.length));
  return [
    `graft ${form(command)} [options]`,
    command.summary,
    '',
    ...options.map(([left, help]) => `  ${left.padEnd(width)}  ${help}`),
  ].join('\n');
}

function form(command: Command): string {
  return [command.name, ...command.positionals].join(' ');
}
