/**
 * The command line's own process, which main.ts watches: finds the command, gives it the same services and API as the
 * app has, and turns its end into output and an exit code: 0 done, 1 failed, 2 wrong usage, 130 after Ctrl-C.
 */
import { createCaller } from '../../api/router.ts';
import { errorDataOf } from '../../api/trpc.ts';
import { adaptersImport, adaptersList, adaptersRemove, adaptersShow } from './adapters.ts';
import { readArgs } from './args.ts';
import type { Args } from './args.ts';
import { backupsList, backupsRestore } from './backups.ts';
import { chat } from './chat.ts';
import type { Command } from './command.ts';
import { datasetsAdd, datasetsCheck, datasetsList } from './datasets.ts';
import { datasetsFromVotes } from './datasetsFromVotes.ts';
import { datasetsPrepare } from './datasetsPrepare.ts';
import { datasetsDocuments } from './documents.ts';
import { demo } from './demo.ts';
import { doctor } from './doctor.ts';
import { evaluate } from './evaluate.ts';
import { exportCommand } from './export.ts';
import { generate } from './generate.ts';
import { COMMON_OPTIONS, commandHelp, overview } from './help.ts';
import { hubLogin, hubLogout } from './hub.ts';
import { jobExport, jobImport } from './job.ts';
import { labAmplification, labSimilarity, labSpectrum } from './lab.ts';
import { labAdvise } from './labAdvise.ts';
import { labCompose, labCompress } from './labChange.ts';
import { labIntruders } from './labIntruders.ts';
import { labRate } from './labRate.ts';
import { labSizes } from './labSizes.ts';
import { labStudy } from './labStudy.ts';
import { merge } from './merge.ts';
import { modelsAdd, modelsFound, modelsList, modelsRecommended } from './models.ts';
import { params } from './params.ts';
import { pull } from './pull.ts';
import { push } from './push.ts';
import { runsList, runsLog } from './runs.ts';
import { serve } from './serve.ts';
import { suitesAdd, suitesList, suitesRemove, suitesShow } from './suites.ts';
import { targetsAdd, targetsCheck, targetsList, targetsRemove } from './targets.ts';
import { tasksList, tasksSwitch } from './tasks.ts';
import { train } from './train.ts';
import { unmerge } from './unmerge.ts';
import { worker } from './worker.ts';
import { printable } from '../../../src-shared/printable.ts';
import { usageError } from '../../../src-shared/errors.ts';
import { openServing } from '../openai/server.ts';
import { GPU_VARIABLE } from '../../../src-shared/backends.ts';
import { forkWorker, type WorkerChannel } from '../../app/workers/channel.ts';
import { createServices, type Services } from '../../app/services.ts';

const COMMANDS: Command[] = [
  doctor,
  modelsAdd,
  modelsList,
  modelsFound,
  modelsRecommended,
  pull,
  datasetsAdd,
  datasetsDocuments,
  datasetsList,
  datasetsCheck,
  datasetsPrepare,
  datasetsFromVotes,
  params,
  train,
  targetsList,
  targetsAdd,
  targetsCheck,
  targetsRemove,
  runsList,
  runsLog,
  evaluate,
  suitesList,
  suitesAdd,
  suitesShow,
  suitesRemove,
  generate,
  chat,
  serve,
  tasksList,
  tasksSwitch,
  adaptersList,
  adaptersShow,
  adaptersImport,
  adaptersRemove,
  exportCommand,
  merge,
  unmerge,
  push,
  hubLogin,
  hubLogout,
  labSpectrum,
  labSimilarity,
  labAmplification,
  labIntruders,
  labCompress,
  labCompose,
  labRate,
  labStudy,
  labAdvise,
  labSizes,
  jobExport,
  jobImport,
  worker,
  backupsList,
  backupsRestore,
  demo,
];

async function main(argv: string[]): Promise<void> {
  if (argv.length === 0 || argv[0] === '--help' || argv[0] === 'help') {
    process.stdout.write(`${overview(COMMANDS)}\n`);
    return;
  }
  const { command, rest } = findCommand(argv);
  const args = readArgs(rest, { ...command.options, ...COMMON_OPTIONS }, command.positionals);
  if (args.flag('help')) process.stdout.write(`${commandHelp(command)}\n`);
  else await runCommand(command, args);
}

function findCommand(argv: string[]): { command: Command; rest: string[] } {
  for (const words of [2, 1]) {
    const name = argv.slice(0, words).join(' ');
    const command = COMMANDS.find((candidate) => candidate.name === name);
    if (command) return { command, rest: argv.slice(words) };
  }
  const [first] = argv;
  const group = COMMANDS.filter((command) => command.name.startsWith(`${first} `)).map((command) => command.name);
  const hint = group.length > 0 ? `choose ${group.join(', ')}` : '"graft --help" lists the commands';
  throw usageError(
    'UNKNOWN_COMMAND',
    `There is no command "${group.length > 0 ? argv.slice(0, 2).join(' ') : first}"; ${hint}.`,
  );
}

async function runCommand(command: Command, args: Args): Promise<void> {
  const json = args.flag('json');
  const gpu = args.text('gpu');
  if (gpu !== undefined) process.env[GPU_VARIABLE] = gpu;
  // Opened by the first command that asks for them: one that mends the catalogue must not have it open.
  let services: Services | undefined;
  const open = (): Services =>
    (services ??= createServices({ takeQueued: false, serving: false, spawnWorker: spawnKnownWorker, openServing }));
  const close = async (): Promise<void> => services?.close();
  let interrupted = false;
  let onInterrupt = (): void => undefined;
  const interrupt = (): void => {
    if (interrupted) return;
    interrupted = true;
    process.send?.({ ending: true });
    onInterrupt();
    void close().finally(() => process.exit(130));
  };
  if (!command.endsItself) for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupt);
  const write = (text: string): void => {
    if (!json) process.stdout.write(printable(text));
  };
  try {
    const result = await command.run({
      args,
      get services() {
        return open();
      },
      get api() {
        return createCaller(open());
      },
      json,
      write,
      print: (line) => write(`${line}\n`),
      say: (line) => process.stderr.write(`${printable(line)}\n`),
      onInterrupt: (work) => void (onInterrupt = work),
    });
    if (json) process.stdout.write(`${printable(JSON.stringify(result))}\n`);
  } catch (error) {
    // Whoever pressed Ctrl-C knows why the workers ended; the process exits in a moment.
    if (interrupted) await new Promise(() => undefined);
    throw error;
  } finally {
    await close();
  }
}

/** The watching process ends the workers where this one no longer can. */
function spawnKnownWorker(gpu?: string | null): WorkerChannel {
  const channel = forkWorker(gpu);
  process.send?.({ worker: channel.pid });
  return channel;
}

// Without its watcher nobody could interrupt it any more.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
process.channel?.unref();

const argv = process.argv.slice(2);
try {
  await main(argv);
} catch (error) {
  const { code, message, details, kind } = errorDataOf(error);
  process.stderr.write(`${printable(message)}\n`);
  if (argv.includes('--json'))
    process.stdout.write(`${printable(JSON.stringify({ error: { code, message, details: details ?? {} } }))}\n`);
  process.exitCode = kind === 'usage' ? 2 : 1;
}
