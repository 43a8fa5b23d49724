/** A base model that nobody has fetched: its config says its shapes, and nothing of it can be read. */
import { architectureFromConfig, type ModelConfig } from '../engine/model/architecture.ts';
import { textPartOf } from '../engine/model/multimodal.ts';
import type { BaseModel } from './baseModel.ts';

/** For estimates, which ask for shapes only. Throws as architectureFromConfig. */
export function baseOfConfig(fileConfig: ModelConfig): BaseModel {
  const nothing = (): never => {
    throw new Error('this base model is only a config');
  };
  return {
    dir: '',
    origin: '',
    config: textPartOf(fileConfig),
    fileConfig,
    spec: architectureFromConfig(fileConfig),
    tensors: new Map(),
    files: [],
    format: 'safetensors',
    notes: [],
    hash: '',
    stamp: '',
    has: () => false,
    shape: nothing,
    readF32: nothing,
    fillF32: nothing,
    close: () => undefined,
  };
}
