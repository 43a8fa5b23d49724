/** What stands in the way of an export whatever its folder and types are. */
import type { Adapter } from '../../catalog/adapters.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { ErrorCode } from '../../../src-shared/errorCodes.ts';
import type { ErrorData } from '../../../src-shared/errors.ts';
import { EXPORT_FORMAT_FACTS } from '../../../src-shared/exportFormats.ts';
import type { ExportFormat } from '../../../src-shared/exports.ts';
import { descriptorOf } from '../../../src-shared/methods/registry.ts';

export interface ScaledAdapter {
  adapter: Adapter;
  scale: number;
}

/** `modelDir` undefined: the base is gone. No adapters: the model as it is. */
export function obstacle(
  catalog: Catalog,
  { format, adapters, modelDir }: { format: ExportFormat; adapters: ScaledAdapter[]; modelDir: string | undefined },
): ErrorData | null {
  const { holds } = EXPORT_FORMAT_FACTS[format];
  if (holds === 'adapter' && adapters.length > 1)
    return problem('ONE_ADAPTER', 'This format holds one adapter; export the others one by one, or merge them.');
  if (format === 'peft') return null;
  const [first] = adapters;
  if (modelDir === undefined)
    return problem(
      'MODEL_NOT_FOUND',
      'The base model of this adapter is not in the catalogue any more; add its folder again, or export the ' +
        'adapter only.',
    );
  if (!first) return null;
  // What a format has no place for, the plan of its files says.
  if (holds === 'adapter') return null;
  const stranger = adapters.find(({ adapter }) => adapter.baseHash !== first.adapter.baseHash);
  if (stranger)
    return problem(
      'DIFFERENT_BASES',
      `${stranger.adapter.name} was trained on another base model than ${first.adapter.name}; only adapters of ` +
        'one base can be merged together.',
    );
  for (const { adapter } of adapters) {
    const reason = notMergeable(catalog, adapter);
    if (reason)
      return problem('NOT_MERGEABLE', `${adapter.name} ${reason}; export the adapter only and use it beside its base.`);
  }
  if (adapters.length === 1 && first.scale === 1) return null;
  for (const { adapter } of adapters) {
    const why = descriptorOf(adapter.method.type).notAdditive?.(adapter.method);
    if (why !== undefined)
      return problem(
        'NOT_ADDITIVE',
        `${adapter.name} ${why} instead of only adding to them, so it can only be merged by itself at scale 1.`,
      );
  }
  return null;
}

/** Why an adapter cannot become part of the weights; undefined when it can. */
function notMergeable(catalog: Catalog, { method, runId }: Adapter): string | undefined {
  const { notMergeable: why } = descriptorOf(method.type);
  if (why !== undefined) return why;
  const run = runId === null ? undefined : catalog.runs.get(runId);
  return run?.spec.data.classify
    ? 'classifies texts with a head of its own, for which the base has no place'
    : undefined;
}

function problem(code: ErrorCode, message: string): ErrorData {
  return { code, message, kind: 'usage' };
}
