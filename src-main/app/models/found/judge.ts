/** What Graft can do with a model that was found: opened as it would be when it is added, and closed again. */
import path from 'node:path';
import { openBaseModel } from '../../../basemodel/baseModel.ts';
import { describeBaseModel } from '../../../basemodel/details.ts';
import { architectureFromConfig } from '../../../engine/model/architecture.ts';
import { baseModelIn } from '../../../exporting/card/frontMatter.ts';
import { readForeignText } from '../../../files/foreignFile.ts';
import { configFromGguf } from '../../../gguf/configFromGguf.ts';
import { quantisationName } from '../../../gguf/fileTypes.ts';
import { openGguf, type GgufFile } from '../../../gguf/read.ts';
import { GraftError } from '../../../../src-shared/errors.ts';
import type { FoundModel } from '../../../../src-shared/foundModels.ts';
import type { Candidate } from './candidate.ts';

type Judgement = Pick<FoundModel, 'form' | 'family' | 'problem' | 'repository'>;

export function judge({ path: place, kind }: Candidate): Judgement {
  try {
    return kind === 'gguf' ? judgeGguf(place) : judgeFolder(place);
  } catch (error) {
    const problem = sentenceOf(error, place);
    if (kind === 'gguf') return { form: 'GGUF', family: null, repository: null, problem };
    return { form: 'Weights of a checkpoint', family: null, repository: madeFrom(place), problem };
  }
}

/** What the card of a folder names as the model that this one was packed from. */
function madeFrom(dir: string): string | null {
  try {
    return baseModelIn(readForeignText(path.join(dir, 'README.md')));
  } catch {
    return null;
  }
}

function judgeFolder(dir: string): Judgement {
  const base = openBaseModel(dir);
  try {
    const { family, dtype } = describeBaseModel(base);
    return { form: `${base.format}, ${dtype}`, family, problem: null, repository: null };
  } finally {
    base.close();
  }
}

function judgeGguf(file: string): Judgement {
  const gguf = openGguf(file);
  const known = { form: `GGUF, ${quantisationName(gguf)}`, repository: repositoryOf(gguf) };
  try {
    const { family } = architectureFromConfig(configFromGguf(gguf).config);
    return { ...known, family, problem: null };
  } catch (error) {
    return { ...known, family: null, problem: sentenceOf(error, file) };
  } finally {
    gguf.close();
  }
}

/** Where the weights came from, as converters note it. */
const ORIGINS = ['general.base_model.0.repo_url', 'general.source.url', 'general.source.huggingface.repository'];

function repositoryOf({ fields }: GgufFile): string | null {
  for (const key of ORIGINS) {
    const value = fields.value(key);
    if (value?.type !== 'string') continue;
    const [, repository] = /^(?:https:\/\/huggingface\.co\/)?([\w.-]+\/[\w.-]+)$/.exec(value.value) ?? [];
    if (repository !== undefined && !/gguf/i.test(repository)) return repository;
  }
  return null;
}

function sentenceOf(error: unknown, place: string): string {
  if (error instanceof GraftError) return error.message;
  return `${place} cannot be read (${error instanceof Error ? error.message : String(error)}); check its rights.`;
}
