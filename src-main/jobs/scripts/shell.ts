/** The job as a script for sh: any machine that one can log in to. */
import { beginJob, BRING_BACK, GO_TO_OWN_FOLDER, heading, type Script, type ScriptInput } from './script.ts';

export const shellScript = (input: ScriptInput): Script => ({
  file: 'run.sh',
  command: 'sh run.sh',
  text: `#!/bin/sh
${heading(input, [
  'Copy this whole folder to the machine that shall train it, and type there:',
  '  sh run.sh',
  'or, so that it goes on after you have logged out:',
  '  nohup sh run.sh >>log.txt 2>&1 &',
  'Ctrl+C, or kill, ends it in good order: it keeps its state first.',
  ...BRING_BACK,
])}
set -eu
${GO_TO_OWN_FOLDER}${beginJob(input)}`,
});
