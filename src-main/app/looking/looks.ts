/**
 * Everything the main process asks of folders that other people made. Each look gets and gives plain data, so that it
 * can run in a thread of its own (look.ts); it throws GraftErrors.
 */
import { limitsOf } from '../../basemodel/config.ts';
import { fileSha256 } from '../../files/sha256.ts';
import { hasChatTemplate } from '../../datasets/tokenizerFiles.ts';
import { convertAdapter } from '../adapters/convert.ts';
import { writeCompanion } from '../../gguf/companion.ts';
import { adapterFits } from '../adapters/fits.ts';
import { plannedExport } from '../exports/planned.ts';
import { licenceOf } from '../models/licence.ts';
import { findModels } from '../models/found/find.ts';
import { readModel } from '../models/read.ts';
import { refuseRepository } from '../models/repository.ts';
import { checkModel } from '../runs/checkModel.ts';
import { matricesOf, trainableIn } from '../runs/trainable.ts';
import { planVariants } from '../studies/variants.ts';

export const looks = {
  adapterFits,
  checkModel,
  convertAdapter,
  fileSha256,
  findModels,
  hasChatTemplate,
  licenceOf,
  limitsOf,
  matricesOf,
  plannedExport,
  planVariants,
  readModel,
  refuseRepository: (text: string) => refuseRepository(text),
  trainableIn,
  writeCompanion,
};

export type LookName = keyof typeof looks;
export type LookArguments<K extends LookName> = Parameters<(typeof looks)[K]>;
export type LookResult<K extends LookName> = Awaited<ReturnType<(typeof looks)[K]>>;
