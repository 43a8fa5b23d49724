/** What ssh, sftp and rsync say when they fail, as sentences that tell the reasons apart and say what to do. */
import { GraftError } from '../../src-shared/errors.ts';
import type { Connection } from '../../src-shared/remoteTargets.ts';
import { typedSsh } from './sshCommand.ts';

export interface Ended {
  /** Null: ended by a signal, or never started. */
  code: number | null;
  stderr: string;
  /** The system's code where the program could not be started. */
  notStarted?: string | undefined;
}

/** Where a connection leads, for sentences. */
export interface Place {
  name: string;
  connection: Connection;
  node: string;
}

/** ssh's own failures have this code; all others are of what it started there. */
const SSH_FAILED = 255;
const NO_SPACE = /No space left on device|Disk quota exceeded/;

/** Why no connection came about; undefined where ssh says nothing that Graft knows. */
function connectionError(ended: Ended, { name, connection }: Place): GraftError | undefined {
  const { stderr } = ended;
  const details = { machine: name, host: connection.host, code: ended.code, stderr: stderr.slice(-4000) };
  const away = (sentence: string) => new GraftError('MACHINE_AWAY', sentence, details);
  const typed = typedSsh(connection);
  if (ended.notStarted !== undefined)
    return away(
      `${name} cannot be reached, since this system has no ssh (${ended.notStarted}); install OpenSSH's client ` +
        '(Debian and Ubuntu: sudo apt install openssh-client).',
    );
  if (stderr.includes('REMOTE HOST IDENTIFICATION HAS CHANGED')) return keyChanged(stderr, name, connection, details);
  if (/host key is known for .* and you have requested strict checking/.test(stderr))
    return new GraftError(
      'HOST_UNKNOWN',
      `${name} (${connection.host}) is not known to ssh yet, so nothing was sent; type \`${typed}\` once in a ` +
        'terminal, compare the fingerprint that it shows with the one its owner names, and answer yes.',
      details,
    );
  if (/Host key verification failed|REVOKED/.test(stderr))
    return away(`${name} showed a key that ssh does not accept, so nothing was sent; type \`${typed}\` to see why.`);
  if (/Permission denied \([a-z]|Too many authentication failures|Load key .*:/.test(stderr))
    return away(
      `${name} (${connection.host}) does not let you in (${lastLine(stderr)}); Graft types no passwords, so ` +
        `\`${typed}\` must work without a question: put your key there by ssh-copy-id, or name it in the target.`,
    );
  if (/Could not resolve hostname/.test(stderr))
    return away(`${name}: there is no machine of the name ${connection.host}; check the host of the target.`);
  if (/Connection refused/.test(stderr))
    return away(
      `${name} (${connection.host}) answers, but no ssh server does on this port; check the port, and that sshd runs ` +
        'there (sudo systemctl status ssh).',
    );
  if (/timed out|No route to host|Network is unreachable|Host is down/.test(stderr))
    return away(
      `${name} (${connection.host}) cannot be reached (${lastLine(stderr)}); check that it is on, and this network.`,
    );
  if (/Bad configuration option|Can't open user config|terminating, \d+ bad configuration/.test(stderr))
    return away(`ssh does not take its configuration (${lastLine(stderr)}); mend that file.`);
  return undefined;
}

function keyChanged(stderr: string, name: string, { host }: Connection, details: Record<string, unknown>): GraftError {
  const file = /Offending \S+ key in (.+):\d+/.exec(stderr)?.[1];
  const known = /-R ["']?([^"'\s]+)/.exec(stderr)?.[1] ?? host.split('@').at(-1)!;
  const remove = `ssh-keygen ${file === undefined ? '' : `-f '${file.replaceAll("'", "'\\''")}' `}-R '${known}'`;
  return new GraftError(
    'HOST_KEY_CHANGED',
    `${name} (${host}) shows another host key than before: either it was set up anew, or another machine answers in ` +
      `its place; nothing was sent. If its owner confirms the change, type \`${remove}\`, then connect once by hand.`,
    { ...details, remove },
  );
}

/** Why no agent came up. */
export function startError(ended: Ended, place: Place): GraftError {
  const { name, connection, node } = place;
  const details = { machine: name, host: connection.host, code: ended.code, stderr: ended.stderr.slice(-4000) };
  if (ended.code === null || ended.code === SSH_FAILED) {
    const known = connectionError(ended, place);
    if (known) return known;
    const said = lastLine(ended.stderr);
    return new GraftError(
      'MACHINE_AWAY',
      `${name} (${connection.host}) ended the connection before it began${said && ` (${said})`}; type ` +
        `\`${typedSsh(connection)}\` to see whether it lets you in.`,
      details,
    );
  }
  const nodeMissing = ended.code === 127 || /not found|No such file|Unknown command/i.test(ended.stderr);
  const said = lastLine(ended.stderr);
  const lacking = node === 'node' ? 'Node is not on its path' : `${node} is no program there`;
  const sentence = nodeMissing
    ? `${name} is there, but ${lacking}; install Node 20 or newer there (https://nodejs.org, or conda install ` +
      'nodejs), or name its path in the target.'
    : `${name} is there, but ${node} does not run Graft's agent (code ${ended.code}${said && `: ${said}`}); ` +
      'Node 20 or newer is needed there.';
  return new GraftError('MACHINE_AWAY', sentence, { ...details, nodeMissing });
}

/** A connection that was there and is no more. */
export function brokenError(ended: Ended, { name, connection }: Place): GraftError {
  const said = lastLine(ended.stderr);
  return new GraftError(
    'MACHINE_AWAY',
    `The connection to ${name} (${connection.host}) broke off${said && ` (${said})`}; what was started there goes ` +
      'on. Try again: Graft connects anew.',
    { machine: name, host: connection.host, code: ended.code, stderr: ended.stderr.slice(-4000) },
  );
}

/** Why rsync or sftp did not bring all files. */
export function transferError(ended: Ended, place: Place, from: string, to: string): GraftError {
  const known = connectionError(ended, place);
  if (known) return known;
  const details = { machine: place.name, from, to, code: ended.code, stderr: ended.stderr.slice(-4000) };
  if (NO_SPACE.test(ended.stderr))
    return new GraftError('DISK_FULL', `The disk of ${to} is full; free some space there and try again.`, details);
  const said = lastLine(ended.stderr);
  return new GraftError(
    'TRANSFER_BROKEN',
    `Copying between here and ${place.name} broke off${said && ` (${said})`}; what has arrived is kept. Try again: ` +
      'it goes on from there.',
    details,
  );
}

function lastLine(text: string): string {
  return (
    text
      .trim()
      .split(/[\r\n]+/)
      .at(-1) ?? ''
  ).slice(0, 300);
}
