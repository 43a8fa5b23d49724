/** What lies where in the folder of a job, here or on the machine that trains it; docs/beyond.md tells it to people. */

/** Names in a job's folder. */
export const JOB = {
  /** What is to be done; never changes. */
  file: 'job.json',
  /** How it stands; written whole by the process that trains. */
  state: 'state.json',
  /** What has been asked of it; written whole by whoever follows it. */
  control: 'control.json',
  /** Everything that it told, a line each; it only grows. */
  events: 'events.jsonl',
  /** What its process printed. */
  log: 'log.txt',
  /** The run's folder (src-main/runfolder). */
  runDir: 'run',
  /** The adapter, or the model, that it ends with. */
  outDir: 'out',
} as const;

/** Names in a target's work folder. What several jobs read lies there once, under its hash. */
export const WORK = {
  jobs: 'jobs',
  bases: 'bases',
  data: 'data',
  adapters: 'adapters',
  runtime: 'graft',
} as const;
