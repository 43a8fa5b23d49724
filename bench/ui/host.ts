/**
 * The web host as serve.ts starts it, but with simulated training. Prints its address; GRAFT_HOME is the data folder.
 */
import path from 'node:path';
import { createRouter } from '../../src-main/api/router.ts';
import { forkWorker } from '../../src-main/app/workers/channel.ts';
import { createServices } from '../../src-main/app/services.ts';
import { startWebHost } from '../../src-main/hosts/web/webHost.ts';
import { REPOSITORY } from '../lib/places.ts';

const worker = path.join(import.meta.dirname, 'simulatedWorker.ts');
const services = createServices({ spawnWorker: () => forkWorker(null, worker) });
const host = await startWebHost({
  router: createRouter(services),
  rendererDir: path.join(REPOSITORY, 'out', 'renderer'),
  uploadsDir: services.home.uploadsDir,
  port: 0,
});
process.stdout.write(`${host.url}\n`);
process.once('SIGTERM', () => {
  void host
    .close()
    .then(() => services.close())
    .then(() => process.exit(0));
});
