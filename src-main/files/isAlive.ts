/** Whether the owner of something that was left behind still lives. */
import fs from 'node:fs';

/**
 * Whether a process of this id may be a Graft; on Linux a later process that is no Node or Electron does not count, nor
 * a zombie.
 */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it exists, but belongs to another user.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
  if (process.platform !== 'linux') return true;
  try {
    const command = fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    return /node|electron|graft/i.test(command);
  } catch {
    return false;
  }
}
