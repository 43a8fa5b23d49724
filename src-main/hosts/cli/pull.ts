/** `pull`: a model or adapter from Hugging Face's hub, into its cache and into the catalogue. */
import { counted } from '../../../src-shared/plural.ts';
import { GraftError } from '../../../src-shared/errors.ts';
import type { PullPlan, PullProgress, PullView } from '../../../src-shared/pulls.ts';
import type { Command, Context } from './command.ts';
import { bytes } from './format.ts';

export const pull: Command = {
  name: 'pull',
  positionals: ['hf:OWNER/NAME[@REVISION]'],
  summary: 'Fetches a model or adapter from Hugging Face, or goes on with it, and adds it to the catalogue.',
  options: {
    name: { type: 'string', value: 'NAME', help: 'name in the catalogue (OWNER/NAME)' },
    'dry-run': { type: 'boolean', help: 'only say what would be fetched: files, sizes, licence' },
    offline: { type: 'boolean', help: 'ask nobody; take what lies in the cache (also HF_HUB_OFFLINE=1)' },
  },
  async run(context) {
    const { api, args, print, services } = context;
    const source = args.positionals[0]!;
    const offline = args.flag('offline');
    if (args.flag('dry-run')) {
      const plan = await api.pulls.plan({ source, offline });
      describe(plan).forEach(print);
      return plan;
    }
    const started = await api.pulls.start({ source, offline, name: args.text('name') });
    describe(started.plan).forEach(print);
    const ended = await followed(context, started);
    if (ended.error) throw GraftError.fromData(ended.error);
    const { dir, kind } = ended.plan;
    if (ended.note !== null && kind !== 'adapter') throw new GraftError('PULL_NOT_ADDED', ended.note, { dir });
    print(dir);
    if (ended.note !== null) print(ended.note);
    const model = ended.modelId === null ? undefined : services.models.require(ended.modelId);
    if (model) print(`Added ${model.name} (${model.id}): ${model.family}, ${counted(model.parameters, 'parameter')}.`);
    return { ...ended, model: model ?? null };
  },
};

function describe(plan: PullPlan): string[] {
  const { repository, commit, kind, licence, gated, files, totalBytes, missingBytes, offline, page } = plan;
  const what = kind === 'gguf' ? 'GGUF file' : kind;
  const here = missingBytes === 0 ? 'all of it here already' : `${bytes(missingBytes)} to fetch`;
  return [
    `${repository} at ${commit.slice(0, 12)}: ${what}, ${counted(files.length, 'file')}, ${bytes(totalBytes)}, ${here}`,
    offline
      ? 'The hub was not asked, or did not answer; this is what was fetched before.'
      : `Licence: ${licence ?? 'none stated'}${gated ? ', gated' : ''}; see ${page}`,
  ];
}

/** Says every few seconds how far it is. */
async function followed({ services, say }: Context, { id }: PullView): Promise<PullView> {
  let saidAtMs = performance.now();
  const unsubscribe = services.pulls.subscribe(id, (event) => {
    if (event.type !== 'progress' || performance.now() - saidAtMs < 2000) return;
    saidAtMs = performance.now();
    say(progressLine(event));
  });
  try {
    return await services.pulls.finished(id);
  } finally {
    unsubscribe();
  }
}

function progressLine({ file, doneBytes, totalBytes, bytesPerSecond }: PullProgress): string {
  const share = totalBytes > 0 ? Math.floor((100 * doneBytes) / totalBytes) : 100;
  const left = bytesPerSecond === null ? undefined : Math.ceil((totalBytes - doneBytes) / bytesPerSecond);
  const pace = bytesPerSecond === null ? '' : `, ${bytes(Math.round(bytesPerSecond))}/s, ${left} s left`;
  return `${file}: ${bytes(doneBytes)} of ${bytes(totalBytes)}, ${share} %${pace}`;
}
