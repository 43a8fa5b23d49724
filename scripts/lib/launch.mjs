/** Starting the app on one of its two hosts. */
import { spawn } from 'node:child_process';
import readline from 'node:readline';
import { openBrowser } from './browser.mjs';
import { built } from './build.mjs';
import { electronBinary, noWindowReason } from './electron.mjs';
import { node24Path } from './node24.mjs';
import { root } from './paths.mjs';
import { exitCode, forwardSignals, run } from './run.mjs';
import { say, SetupError } from './say.mjs';

const ADDRESS = /Graft is at (http:\/\/\S+)/;

/**
 * @param {string | undefined} wanted
 * @returns {'electron' | 'web'}
 */
export function chooseHost(wanted) {
  if (wanted === 'web') return 'web';
  const reason = noWindowReason();
  if (reason === undefined) return 'electron';
  if (wanted === 'electron') throw new SetupError(`${reason} Start with --host=web instead.`);
  say(`${reason} Serving the app on this machine's web host instead.`);
  return 'web';
}

/** @returns {Promise<number>} exit code */
export async function launchElectron() {
  const binary = electronBinary();
  if (!binary) throw new SetupError("Electron's binary is missing; start with --host=web instead.");
  // Set by some terminals of Electron-based editors; it would turn Electron into a plain Node.
  return (await run(binary, [root], { output: 'inherit', env: { ELECTRON_RUN_AS_NODE: undefined } })).code;
}

/**
 * @param {{ port: number | undefined, open: boolean }} options
 * @returns {Promise<number>} exit code of the server
 */
export async function launchWeb({ port, open }) {
  const child = spawn(node24Path(), [built('serve'), ...(port === undefined ? [] : ['--port', String(port)])], {
    cwd: root,
    stdio: ['inherit', 'pipe', 'inherit'],
  });
  const stopForwarding = forwardSignals(child);
  const lines = readline.createInterface({ input: child.stdout });
  lines.on('line', (line) => {
    console.log(line);
    const url = ADDRESS.exec(line)?.[1];
    if (url && open) openBrowser(url);
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      stopForwarding();
      resolve(exitCode(code, signal));
    });
  });
}
