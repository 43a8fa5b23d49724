/** Reads config.json of a Hugging Face folder. */
import fs from 'node:fs';
import path from 'node:path';
import { GraftError } from '../../src-shared/errors.ts';
import { architectureFromConfig, type ArchitectureSpec, type ModelConfig } from '../engine/model/architecture.ts';
import { readForeignText } from '../files/foreignFile.ts';
import { parseJson } from '../files/parseJson.ts';

/** Throws GraftError CHECKPOINT_NOT_FOUND, CHECKPOINT_NOT_A_FOLDER, CHECKPOINT_NO_CONFIG or CHECKPOINT_CONFIG. */
export function readConfig(dir: string): ModelConfig {
  const stat = fs.statSync(dir, { throwIfNoEntry: false });
  if (!stat) throw new GraftError('CHECKPOINT_NOT_FOUND', `${dir} does not exist; check the path.`, { dir });
  if (!stat.isDirectory() && dir.toLowerCase().endsWith('.gguf'))
    throw new GraftError(
      'CHECKPOINT_NOT_A_FOLDER',
      `${dir} is a GGUF file; add it to the models first (models add), and choose it from them.`,
      { dir },
    );
  if (!stat.isDirectory())
    throw new GraftError(
      'CHECKPOINT_NOT_A_FOLDER',
      `${dir} is a file, not a folder; choose the folder that holds config.json and the weights.`,
      { dir },
    );
  const file = path.join(dir, 'config.json');
  if (!fs.existsSync(file)) {
    const gguf = fs.readdirSync(dir).find((name) => name.toLowerCase().endsWith('.gguf'));
    const instead =
      gguf === undefined
        ? 'choose the folder of a complete Hugging Face checkpoint'
        : `add its GGUF file by the path of the file, ${path.join(dir, gguf)}`;
    throw new GraftError('CHECKPOINT_NO_CONFIG', `${dir} has no config.json; ${instead}.`, { dir });
  }
  const parsed = parseJson(readForeignText(file));
  if ('problem' in parsed)
    throw new GraftError('CHECKPOINT_CONFIG', `${file} ${parsed.problem}; download it again.`, { file });
  const config = parsed.value;
  if (typeof config === 'object' && config !== null && !Array.isArray(config)) return config as ModelConfig;
  throw new GraftError('CHECKPOINT_CONFIG', `${file} is not a JSON object; download it again.`, { file });
}

/**
 * Most tokens that the model in `dir` can see at once, where rows are cut, and how many tokens its embedding knows.
 * Throws as readConfig, or BAD_CONFIG.
 */
export function limitsOf(dir: string): Pick<ArchitectureSpec, 'maxPositions' | 'vocab'> {
  const { maxPositions, vocab } = architectureFromConfig(readConfig(dir));
  return { maxPositions, vocab };
}
