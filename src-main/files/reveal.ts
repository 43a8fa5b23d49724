/** Shows a folder in the system's file manager: only folders that Graft made. */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { GraftError, usageError } from '../../src-shared/errors.ts';

/** How this host shows a path; undefined where it cannot. */
export type ShowInFolder = (target: string) => void;

/**
 * The real path when it lies in the data folder or is that of a listed export, links resolved.
 * Throws NOT_FOUND, NOT_OURS.
 */
export function revealable(target: string, { home, exports }: { home: string; exports: string[] }): string {
  const wanted = path.resolve(target);
  if (!fs.existsSync(wanted))
    throw new GraftError('NOT_FOUND', `${wanted} does not exist any more; it was moved or removed outside Graft.`, {
      path: wanted,
    });
  const real = fs.realpathSync(wanted);
  const allowed = [home, ...exports]
    .filter((folder) => fs.existsSync(folder))
    .some((folder) => isWithin(fs.realpathSync(folder), real));
  if (!allowed)
    throw usageError('NOT_OURS', `Graft only shows folders of its own and of its exports, not ${wanted}.`, {
      path: wanted,
    });
  return real;
}

function isWithin(folder: string, target: string): boolean {
  const relative = path.relative(folder, target);
  return relative === '' || (relative.split(path.sep)[0] !== '..' && !path.isAbsolute(relative));
}

/** The file manager of a desktop; undefined without a display or without a program for it. */
export function systemFileManager(
  env: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
): ShowInFolder | undefined {
  const command = commandFor(env, platform);
  if (!command) return undefined;
  return (target) => {
    const folder = fs.statSync(target).isDirectory() ? target : path.dirname(target);
    const child = spawn(command, [folder], { detached: true, stdio: 'ignore' });
    // A file manager that does not start is nothing the user can mend here; the path stands beside the button.
    child.on('error', () => undefined);
    child.unref();
  };
}

function commandFor(env: NodeJS.ProcessEnv, platform: NodeJS.Platform): string | undefined {
  if (platform === 'win32') return 'explorer.exe';
  if (platform === 'darwin') return '/usr/bin/open';
  if (!env['DISPLAY'] && !env['WAYLAND_DISPLAY']) return undefined;
  const found = (env['PATH'] ?? '')
    .split(path.delimiter)
    .map((dir) => path.join(dir, 'xdg-open'))
    .find((file) => path.isAbsolute(file) && fs.existsSync(file));
  return found;
}
