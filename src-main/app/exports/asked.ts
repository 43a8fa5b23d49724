/** The request that callers' input comes to. */
import path from 'node:path';
import type { Catalog } from '../../catalog/catalog.ts';
import { isAsItIs } from '../../../src-shared/exportFormats.ts';
import { runOfModel } from '../models/runOfModel.ts';
import type { ExportInput } from './inputs.ts';
import type { ScaledAdapter } from './obstacle.ts';
import { NO_ADAPTERS, type ExportRequest } from './request.ts';

/** With the kind of rows that a model as it is was trained on, where its run is known: it decides Ollama's template. */
export function withRows(catalog: Catalog, request: ExportRequest): ExportRequest {
  return isAsItIs(request) ? { ...request, rows: runOfModel(catalog, request.modelDir)?.started?.rows } : request;
}

/** `modelDir` undefined: the base is gone, and only the adapter's own folder can be copied. */
export function requestOf(
  { adapters: _asked, modelId: _model, outDir, ...settings }: ExportInput,
  adapters: ScaledAdapter[],
  modelDir: string | undefined,
): ExportRequest {
  const [first] = adapters;
  const at = { ...settings, modelDir: modelDir ?? '', outDir: path.resolve(outDir) };
  if (!first) return { ...at, ...NO_ADAPTERS };
  const { adapter, scale } = first;
  const isPlain = adapters.length === 1 && scale === 1;
  return {
    ...at,
    adapterId: adapter.id,
    adapterDir: adapter.dir,
    tasks: isPlain ? undefined : adapters.map((one) => ({ adapterDir: one.adapter.dir, scale: one.scale })),
  };
}
