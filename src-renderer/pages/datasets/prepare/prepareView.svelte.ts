/** The recipe of a dataset while it is put together: what it would do, and carrying it out. */
import { ALONE, api, type RecipePreview } from '../../../lib/api.ts';
import { failureOf, streamOptions } from '../../../lib/stream.ts';
import { toasts } from '../../../lib/toasts.svelte.ts';
import { counted } from '../../../../src-shared/plural.ts';
import { recipeSchema, type PrepareEvent, type RecipeReport, type RecipeStep } from '../../../../src-shared/recipes.ts';
import { tokenSettings } from '../tokenSettings.svelte.ts';
import { draftOf, emptyDraft, recipeOf, type RecipeDraft } from './recipeDraft.ts';

type Source = { id: string; version: number };

/** From the last change to the preview. */
const WAIT_MS = 300;

/** Recipes that were begun, by dataset: another tab of the page is not the end of them. */
const begun: Partial<Record<string, RecipeDraft>> = {};

export class PrepareView {
  draft = $state<RecipeDraft>(emptyDraft());
  preview = $state.raw<RecipePreview | undefined>();
  error = $state<string | undefined>();
  looking = $state(false);
  /** Rows that are done, while the new version is made. */
  progress = $state.raw<{ done: number; total: number } | undefined>();
  writingError = $state<string | undefined>();
  readonly recipe = $derived(recipeOf(this.draft));
  readonly modelId = $derived(
    this.recipe.length?.unit === 'tokens' && tokenSettings.modelId !== '' ? tokenSettings.modelId : undefined,
  );
  #source: Source;
  #asked: AbortController | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #writing: { unsubscribe: () => void } | undefined;

  constructor(source: Source) {
    this.#source = source;
    const known = begun[source.id];
    if (known) this.draft = known;
  }

  get source(): Source {
    return this.#source;
  }

  /** What a step would do; undefined where it is off or has not been tried. */
  did(step: RecipeStep): RecipeReport['steps'][number] | undefined {
    return this.preview?.report.steps.find((one) => one.step === step);
  }

  /** Looks again, soon; an answer to what was asked before is not waited for. */
  lookSoon(): void {
    begun[this.#source.id] = $state.snapshot(this.draft) as RecipeDraft;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#look(), this.preview ? WAIT_MS : 0);
  }

  /** Throws the sentence of what is wrong with a recipe that was saved. */
  open(text: string): void {
    const recipe = recipeSchema.safeParse(JSON.parse(text));
    if (!recipe.success) throw recipe.error;
    this.draft = draftOf(recipe.data);
  }

  clear(): void {
    this.draft = emptyDraft();
  }

  /** Makes the new version; `onDone` is told its number. */
  async write(onDone: (version: number) => void): Promise<void> {
    this.writingError = undefined;
    this.progress = { done: 0, total: 0 };
    const input = { ...this.#source, recipe: $state.snapshot(this.recipe), modelId: this.modelId };
    try {
      const { job } = await api.datasets.noteRecipe.mutate(input);
      const over = (): void => this.cancel();
      this.#writing = api.datasets.prepare.subscribe(
        { job },
        streamOptions<PrepareEvent>(
          {
            data: (event) => {
              if ('done' in event) this.progress = event;
              else {
                this.cancel();
                // It is kept with the version; the next one starts from nothing.
                begun[this.#source.id] = undefined;
                toasts.show({
                  text: `Version ${event.version} has ${counted(event.report.kept, ['row', 'rows'])}.`,
                  tone: 'good',
                });
                onDone(event.version);
              }
            },
            failed: (sentence) => {
              this.cancel();
              this.writingError = sentence;
            },
            done: over,
          },
          over,
        ),
      );
    } catch (error) {
      this.cancel();
      this.writingError = failureOf(error).message;
    }
  }

  /** Ends the making of a version; nothing of it is left. */
  cancel(): void {
    this.progress = undefined;
    this.#writing?.unsubscribe();
    this.#writing = undefined;
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#asked?.abort();
    this.cancel();
  }

  async #look(): Promise<void> {
    this.#asked?.abort();
    const mine = (this.#asked = new AbortController());
    const input = { ...this.#source, recipe: $state.snapshot(this.recipe), modelId: this.modelId };
    this.looking = true;
    try {
      const preview = await api.datasets.previewRecipe.mutate(input, { ...ALONE, signal: mine.signal });
      if (mine !== this.#asked) return;
      this.preview = preview;
      this.error = undefined;
    } catch (error) {
      if (mine === this.#asked) this.error = failureOf(error).message;
    } finally {
      if (mine === this.#asked) this.looking = false;
    }
  }
}
