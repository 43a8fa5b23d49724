/** Opening the user's browser on an address, where there is one. */
import { spawn } from 'node:child_process';
import { hasDisplay } from './electron.mjs';

/**
 * @param {string} url
 * @param {NodeJS.Platform} [platform]
 * @returns {[string, string[]]}
 */
function openCommand(url, platform = process.platform) {
  if (platform === 'darwin') return ['open', [url]];
  if (platform === 'win32') return ['rundll32', ['url.dll,FileProtocolHandler', url]];
  return ['xdg-open', [url]];
}

/** Does nothing where there is no display or no opener. @param {string} url */
export function openBrowser(url) {
  if (!hasDisplay()) return;
  const [command, args] = openCommand(url);
  const child = spawn(command, args, { stdio: 'ignore', detached: true });
  child.on('error', () => {});
  child.unref();
}
