/** The words that the system's ssh, sftp and rsync are started with. */
import { PLAIN_PATH, type Connection } from '../../src-shared/remoteTargets.ts';
import { usageError } from '../../src-shared/errors.ts';

/**
 * Nobody is there to answer questions; an unknown or changed key ends the connection; a dead one is noticed. A shared
 * connection that the user has opened is used, but none is left behind.
 */
const ALWAYS = {
  BatchMode: 'yes',
  StrictHostKeyChecking: 'yes',
  ConnectTimeout: '20',
  ServerAliveInterval: '15',
  ServerAliveCountMax: '4',
  ForwardAgent: 'no',
  ForwardX11: 'no',
  ClearAllForwardings: 'yes',
  PermitLocalCommand: 'no',
  ControlMaster: 'no',
  RemoteCommand: 'none',
  LogLevel: 'INFO',
};

/** Options that ssh and sftp both take. */
export function sshOptions({ port, identityFile, configFile }: Connection): string[] {
  return [
    ...(configFile === undefined ? [] : ['-F', configFile]),
    ...(identityFile === undefined ? [] : ['-i', identityFile, '-o', 'IdentitiesOnly=yes']),
    ...(port === undefined ? [] : ['-o', `Port=${port}`]),
    ...Object.entries(ALWAYS).flatMap(([name, value]) => ['-o', `${name}=${value}`]),
  ];
}

/**
 * Reads the agent's length and text from its input and hands the rest over. Stands in single quotes on the command line
 * of the other machine's login shell, so it holds none, nor `!`, a backslash or a line break: sh, csh and fish read
 * nothing else as anything but itself there.
 */
const BOOTSTRAP = [
  'const input = process.stdin; let got = Buffer.alloc(0);',
  'const take = (chunk) => { got = Buffer.concat([got, chunk]); const line = got.indexOf(10); if (line == -1) return;',
  'const end = line + 1 + Number(got.subarray(0, line)); if (end > got.length) return;',
  'input.off("data", take); input.pause();',
  'import("data:text/javascript;base64," + got.subarray(line + 1, end).toString("base64"))',
  '.then((agent) => agent.serve(input, process.stdout, got.subarray(end))); };',
  'input.on("data", take);',
].join(' ');

/** ssh's arguments for the agent: all that the login shell there ever sees of Graft is the last of them. */
export function agentArguments(connection: Connection, node: string): string[] {
  if (node !== 'node' && !PLAIN_PATH.test(node))
    throw usageError(
      'BAD_INPUT',
      `The path of Node there, ${JSON.stringify(node)}, has letters that a shell may read.`,
    );
  return [...sshOptions(connection), '-T', '--', connection.host, `exec ${node} -e '${BOOTSTRAP}'`];
}

/** What rsync is told to start for a connection; it takes the words apart by spaces and quotes, without a shell. */
export function rsyncShell(connection: Connection): string {
  return ['ssh', ...sshOptions(connection)]
    .map((word) => (/^[\w./=:@%+,-]+$/.test(word) ? word : `"${word.replaceAll('"', '""')}"`))
    .join(' ');
}

/** The host as rsync and sftp take it, to whom a colon ends its name. */
export function hostOfPath({ host }: Connection): string {
  const [name = '', user] = host.split('@').reverse();
  const bracketed = name.includes(':') ? `[${name}]` : name;
  return user === undefined ? bracketed : `${user}@${bracketed}`;
}

/** What a person types to try the same connection. */
export function typedSsh(connection: Connection): string {
  const { port, identityFile, configFile, host } = connection;
  const quoted = (file: string) => (/^[\w./+-]+$/.test(file) ? file : `'${file.replaceAll("'", "'\\''")}'`);
  return [
    'ssh',
    ...(configFile === undefined ? [] : ['-F', quoted(configFile)]),
    ...(identityFile === undefined ? [] : ['-i', quoted(identityFile)]),
    ...(port === undefined ? [] : ['-p', String(port)]),
    host,
  ].join(' ');
}
