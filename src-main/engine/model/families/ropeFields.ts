/**
 * Fields of config.json about rotary positions, as transformers 5 puts its own and those of transformers 4 together:
 * rope_scaling, where it is there, stands for all of rope_parameters, and a theta that it lacks is the one at the top.
 */
import type { ArchitectureSpec, ModelConfig } from '../spec.ts';
import { shownValue } from '../../../../src-shared/shownValue.ts';
import { ANOTHER_MODEL, badConfig, finiteNumber } from './fields.ts';
import { readScaling, type RopeOptions, type RopeParameters } from './scalingFields.ts';

type RopeSpec = Pick<ArchitectureSpec, 'ropeTheta' | 'ropeScaling'>;

/** With dynamic scaling the model reads longer texts than max_position_embeddings. */
export function ropeFields(config: ModelConfig, options: RopeOptions): RopeSpec & { maxPositions: number } {
  const { maxPositions } = options;
  const rope = ropeFieldsOf(config, ropeParameters(config), options);
  const stretched = rope.ropeScaling?.type === 'dynamic' ? rope.ropeScaling.factor : 1;
  return { ...rope, maxPositions: Math.floor(maxPositions * stretched) };
}

export function ropeFieldsOf(config: ModelConfig, { field, fields }: RopeParameters, options: RopeOptions): RopeSpec {
  const { thetaField = 'rope_theta', usualTheta = 10000, partial = false } = options;
  for (const [name, value] of Object.entries(fields)) checkRopeField(`${field}.${name}`, name, value, partial);
  const ropeTheta = finiteNumber(config, thetaField, usualTheta);
  const own = finiteNumber(fields, 'rope_theta', ropeTheta);
  if (own <= 0) throw badConfig('rope_theta', own, 'a number above 0 is needed');
  const ropeScaling = readScaling(config, { field, fields }, options);
  return { ropeTheta: own, ...(ropeScaling ? { ropeScaling } : {}) };
}

function ropeParameters(config: ModelConfig): RopeParameters {
  for (const field of ['rope_scaling', 'rope_parameters']) {
    const fields = objectField(config, field);
    // An empty one counts as none.
    if (fields && Object.keys(fields).length > 0) return { field, fields };
  }
  return { field: 'rope_parameters', fields: {} };
}

/** Undefined where it is absent or null; refuses what is no object. */
export function objectField(config: ModelConfig, field: string): ModelConfig | undefined {
  const value = config[field];
  if (value === null || value === undefined) return undefined;
  if (typeof value !== 'object' || Array.isArray(value)) throw badConfig(field, value, 'an object is needed');
  return value as ModelConfig;
}

/** Each is read by some kinds of scaling and without meaning for the others. */
const KNOWN = new Set([
  'rope_type',
  'type',
  'rope_theta',
  'factor',
  'low_freq_factor',
  'high_freq_factor',
  'original_max_position_embeddings',
  'attention_factor',
  'beta_fast',
  'beta_slow',
  'long_factor',
  'mscale',
  'mscale_all_dim',
  'short_factor',
  'truncate',
]);

function checkRopeField(place: string, name: string, value: unknown, partial: boolean): void {
  if (value === null || KNOWN.has(name)) return;
  if (name === 'partial_rotary_factor' && (partial || value === 1)) return;
  const why = name.endsWith('_attention')
    ? 'Graft turns the positions of all layers of this family in the same way'
    : 'Graft does not compute what this field asks for';
  throw badConfig(place, value, why, ANOTHER_MODEL);
}

/** How much of each head turns; `usual` where no field says it. Only the first `rotaryDim` floats do. */
export function rotaryPart(
  config: ModelConfig,
  headDim: number,
  { field, usual }: { field: string; usual: number },
): Pick<ArchitectureSpec, 'rotaryDim'> {
  const five = ropeParameters(config).fields['partial_rotary_factor'] ?? undefined;
  const own = config[field] ?? undefined;
  if (five !== undefined && own !== undefined && five !== own)
    throw badConfig(field, own, `rope_parameters says ${shownValue(five)}`, 'correct the one that is wrong');
  const share = five ?? own ?? usual;
  const rotaryDim = typeof share === 'number' ? Math.trunc(headDim * share) : NaN;
  if (!(rotaryDim >= 2 && rotaryDim <= headDim && rotaryDim % 2 === 0))
    throw badConfig(field, share, `that part of ${headDim} floats per head must be an even number of at least 2`);
  return rotaryDim === headDim ? {} : { rotaryDim };
}
