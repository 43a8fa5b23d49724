/** An adapter of the catalogue sent to Hugging Face's hub: its PEFT folder and a card, nothing else. */
import fs from 'node:fs';
import path from 'node:path';
import { ADAPTER_CONFIG, ADAPTER_WEIGHTS } from '../../adapters/files.ts';
import { GRAFT_FILE } from '../../adapters/graftInfo.ts';
import { hubRepositoryOf } from '../../basemodel/folderName.ts';
import type { Adapter } from '../../catalog/adapters.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import { readForeignText } from '../../files/foreignFile.ts';
import { setInJson } from '../../files/jsonEdit.ts';
import { hubEndpoint } from '../../hub/connection.ts';
import { pushFiles, type PushedFile, type PushResult } from '../../hub/push.ts';
import { sourceNamed } from '../../hub/source.ts';
import type { TokenStore } from '../../hub/token.ts';
import { GraftError, usageError } from '../../../src-shared/errors.ts';
import { shownValue } from '../../../src-shared/shownValue.ts';
import type { AdapterService } from '../adapters/service.ts';
import { cardForHub } from '../exports/card.ts';

export interface PushRequest {
  adapterId: string;
  /** `OWNER/NAME`. */
  to: string;
  isPrivate: boolean;
}

interface PushPlan {
  repository: string;
  /** Of the commit. */
  title: string;
  card: string;
  files: PushedFile[];
}

function badRepository(to: string): never {
  throw usageError('HUB_SOURCE', `${shownValue(to)} names no repository on Hugging Face; write OWNER/NAME.`, { to });
}

export class PushService {
  #catalog: Catalog;
  #adapters: AdapterService;
  #tokens: TokenStore;
  #abort = new AbortController();

  constructor(parts: { catalog: Catalog; adapters: AdapterService; tokens: TokenStore }) {
    this.#catalog = parts.catalog;
    this.#adapters = parts.adapters;
    this.#tokens = parts.tokens;
  }

  /** What would be sent; nothing is. Throws PUSH_NOT_PEFT, ADAPTER_NOT_FOUND, or a usage error HUB_SOURCE. */
  async plan({ adapterId, to }: PushRequest): Promise<PushPlan> {
    const { repository } = sourceNamed(to) ?? badRepository(to);
    const adapter = this.#adapters.require(adapterId);
    const card = await cardForHub(this.#catalog, adapter, repository);
    const files = [
      ...adapterFilesOf(adapter.dir, this.#baseName(adapter)),
      { name: 'README.md', content: { text: card } },
    ];
    return { repository, title: `Adapter ${adapter.name}`, card, files };
  }

  /** Throws as plan, and HUB_*. */
  async push(request: PushRequest): Promise<PushResult & { files: string[] }> {
    const { repository, title, files } = await this.plan(request);
    const token = this.#tokens.find()?.token;
    if (token === undefined)
      throw usageError(
        'HUB_TOKEN',
        'Sending an adapter needs a token with the right to write; store one with "graft hub login", or set HF_TOKEN.',
      );
    const { isPrivate } = request;
    const { signal } = this.#abort;
    const result = await pushFiles({ endpoint: hubEndpoint(), token, repository, isPrivate, title, files, signal });
    return { ...result, files: files.map(({ name }) => name) };
  }

  /** A push under way is given up; its commit is the last request, so the repository then holds nothing of it. */
  close(): void {
    this.#abort.abort();
  }

  /** As others know the base: its repository where it came from the hub, else its name; never a path of here. */
  #baseName({ modelId }: Adapter): string {
    const model = modelId === null ? undefined : this.#catalog.models.get(modelId);
    if (!model) return 'a model that is not in the catalogue';
    return hubRepositoryOf(model.gguf?.file ?? model.dir) ?? model.name;
  }
}

/** The files to send; the configuration names the base as others know it. Throws PUSH_NOT_PEFT. */
function adapterFilesOf(dir: string, baseName: string): PushedFile[] {
  const config = path.join(dir, ADAPTER_CONFIG);
  const weights = path.join(dir, ADAPTER_WEIGHTS);
  if (!fs.existsSync(config) || !fs.existsSync(weights))
    throw new GraftError(
      'PUSH_NOT_PEFT',
      `${dir} is not in PEFT's format (${ADAPTER_CONFIG} and ${ADAPTER_WEIGHTS}), so other programs could not read ` +
        'it from the hub; only adapters of methods that PEFT has can be sent.',
      { dir },
    );
  const graft = path.join(dir, GRAFT_FILE);
  return [
    {
      name: ADAPTER_CONFIG,
      content: { text: setInJson(readForeignText(config), ['base_model_name_or_path'], baseName) },
    },
    { name: ADAPTER_WEIGHTS, content: { file: weights } },
    ...(fs.existsSync(graft) ? [{ name: GRAFT_FILE, content: { file: graft } }] : []),
  ];
}
