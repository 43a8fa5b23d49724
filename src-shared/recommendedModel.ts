/** A model to begin with, and which of several is the best one for a machine. */
import type { ModelFit } from './plan.ts';

export interface RecommendedModel {
  /** On Hugging Face, `OWNER/NAME`. */
  repository: string;
  /** What people call it. */
  title: string;
  /** As the hub names it. */
  licence: string;
  /** The hub gives it only to those who have accepted its licence there. */
  gated: boolean;
  /** A tied head counts once. */
  parameters: number;
  /** Of the weights, as they are fetched and kept; 1e9 bytes are a gigabyte. */
  sizeBytes: number;
  /** Most tokens that it sees at once. */
  context: number;
  /** One sentence. */
  goodFor: string;
  languages: string;
  /** What of its config.json decides the shapes, and with them the memory that training takes. */
  config: Readonly<Record<string, string | number | boolean>>;
}

/** Parameters beyond which training on a processor takes hours for what a card does in minutes. */
const MOST_ON_PROCESSOR = 0.7e9;

/**
 * The one to begin with: the largest that the hub gives to everybody and that fits without being packed to 8 or 4 bits;
 * without a graphics card a small one. `fits`: by repository, of those that are known; undefined where none does.
 */
export function bestModel(
  models: readonly RecommendedModel[],
  fits: ReadonlyMap<string, Pick<ModelFit, 'verdict' | 'baseDtype' | 'gpu'>>,
): RecommendedModel | undefined {
  return models.findLast(({ repository, gated, parameters }) => {
    const fit = fits.get(repository);
    if (!fit || gated || fit.verdict !== 'fits') return false;
    return (fit.baseDtype === 'f32' || fit.baseDtype === 'bf16') && (fit.gpu || parameters <= MOST_ON_PROCESSOR);
  });
}

/** Where a model's card is. */
export function cardAddress({ repository }: Pick<RecommendedModel, 'repository'>): string {
  return `https://huggingface.co/${repository}`;
}
