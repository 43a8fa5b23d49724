/** The scripts with which a job's folder is run without Graft's help: text for text, no files written. */
import type { SlurmTarget } from '../../../src-shared/remoteTargets.ts';
import { dockerScript } from './docker.ts';
import { sbatchScript } from './sbatch.ts';
import type { Script, ScriptInput } from './script.ts';
import { shellScript } from './shell.ts';
import { skypilotTask } from './skypilot.ts';

export const SCRIPT_KINDS = ['sbatch', 'skypilot', 'docker', 'shell'] as const;
export type ScriptKind = (typeof SCRIPT_KINDS)[number];

/** `options`: of sbatch alone. Throws GraftError BAD_INPUT for what cannot be written safely, or run there. */
export function jobScript(kind: ScriptKind, input: ScriptInput & { options?: SlurmTarget['options'] }): Script {
  switch (kind) {
    case 'sbatch':
      return sbatchScript(input);
    case 'skypilot':
      return skypilotTask(input);
    case 'docker':
      return dockerScript(input);
    case 'shell':
      return shellScript(input);
    default:
      return kind satisfies never;
  }
}
