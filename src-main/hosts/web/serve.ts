/**
 * Entry of the web host: `node out/main/serve.js [--port N]`, or this file itself. It prints the address with its
 * token; Ctrl-C ends it and its workers.
 */
import path from 'node:path';
import { parseArgs } from 'node:util';
import { createRouter } from '../../api/router.ts';
import { toErrorData, usageError } from '../../../src-shared/errors.ts';
import { printable } from '../../../src-shared/printable.ts';
import { createServices } from '../../app/services.ts';
import { GRAFT_ROOT } from '../../files/repository.ts';
import { openServing } from '../openai/server.ts';
import { newToken, rememberedToken } from './rememberedToken.ts';
import { report, startWebHost } from './webHost.ts';

const DEFAULT_PORT = 4917;

function readPort(): number {
  let text: string | undefined;
  try {
    text = parseArgs({ options: { port: { type: 'string' } } }).values.port;
  } catch (error) {
    throw usageError(
      'BAD_USAGE',
      `${error instanceof Error ? error.message : String(error)}; usage: serve.ts [--port N].`,
    );
  }
  const port = text === undefined ? DEFAULT_PORT : Number(text);
  if (text === '' || !Number.isInteger(port) || port < 0 || port > 65_535)
    throw usageError('BAD_USAGE', `--port ${text} is not a port; give a number from 0 to 65535.`);
  return port;
}

async function main(): Promise<void> {
  const port = readPort();
  const services = createServices({ openServing });
  const home = services.home.dir;
  const given = process.env['GRAFT_TOKEN'];
  const rendererDir = path.join(GRAFT_ROOT, 'out/renderer');
  const host = await startWebHost({
    router: createRouter(services),
    rendererDir,
    uploadsDir: services.home.uploadsDir,
    port,
    token: given || rememberedToken(home),
    sessionsFile: path.join(home, 'web-sessions.json'),
    onFault: services.reports.fault,
    // A token that the environment gives is not Graft's to change.
    renewToken: () => given || newToken(home),
    onSignedOut: (url) => process.stdout.write(`Everybody was signed out; Graft is now at ${url}\n`),
  });
  process.on('uncaughtExceptionMonitor', services.reports.fault);
  // The last net: a fault that nobody has caught must not end the training that runs beside it.
  process.on('uncaughtException', report);

  const shutDown = async (): Promise<void> => {
    await host.close();
    await services.close();
    process.exit(0);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => void shutDown());

  if (services.backups.restored !== null) process.stdout.write(`${services.backups.restored}\n`);
  process.stdout.write(`Graft is at ${host.url}\n`);
}

try {
  await main();
} catch (error) {
  const { message, kind } = toErrorData(error);
  process.stderr.write(`${printable(message)}\n`);
  process.exit(kind === 'usage' ? 2 : 1);
}
