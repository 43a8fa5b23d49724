/** An adapter of the catalogue sent to Hugging Face's hub: its PEFT folder and a card, nothing else. */
import fs from 'node:fs';
import path from 'node:path';
import { ADAPTER_CONFIG, ADAPTER_WEIGHTS } from '../../adapters/files.ts';
import { GRAFT_FILE } from '../../adapters/graftInfo.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import { readForeignText } from '../../files/foreignFile.ts';
import { setInJson } from '../../files/jsonEdit.ts';
import { hubEndpoint } from '../../hub/connection.ts';
import { pushFiles, type PushedFile, type PushResult } from '../../hub/push.ts';
import { readSource } from '../../hub/source.ts';
import type { TokenStore } from '../../hub/token.ts';
import { GraftError, usageError } from '../../../src-shared/errors.ts';
import type { AdapterService } from '../adapters/service.ts';
import { adapterCard } from './card.ts';

export interface PushRequest {
  adapterId: string;
  /** `OWNER/NAME`. */
  to: string;
  isPrivate: boolean;
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

  /** Throws HUB_*, PUSH_NOT_PEFT, ADAPTER_NOT_FOUND. */
  async push({ adapterId, to, isPrivate }: PushRequest): Promise<PushResult & { files: string[] }> {
    const { repository } = readSource(to);
    const view = this.#adapters.view(adapterId);
    const base = this.#baseName(view.modelId, view.modelName);
    const files = adapterFilesOf(view.dir, base.name);
    const token = this.#tokens.find()?.token;
    if (token === undefined)
      throw usageError(
        'HUB_TOKEN',
        'Sending an adapter needs a token with the right to write; store one with "graft hub login", or set HF_TOKEN.',
      );
    const card = adapterCard({
      name: view.name,
      task: view.taskName,
      base: base.name,
      baseIsOnHub: base.isOnHub,
      method: view.methodText.name,
      settings: view.methodText.details,
      finalLoss: view.finalLoss,
      valLoss: view.valLoss,
      notes: view.notes,
    });
    const all = [...files, { name: 'README.md', content: { text: card } }];
    const result = await pushFiles({
      endpoint: hubEndpoint(),
      token,
      repository,
      isPrivate,
      title: `Adapter ${view.name}`,
      files: all,
      signal: this.#abort.signal,
    });
    return { ...result, files: all.map(({ name }) => name) };
  }

  /** A push under way is given up; its commit is the last request, so the repository then holds nothing of it. */
  close(): void {
    this.#abort.abort();
  }

  /** As others know the base: its repository where it came from the hub, else its name; never a path of here. */
  #baseName(modelId: string | null, modelName: string | null): { name: string; isOnHub: boolean } {
    const dir = modelId === null ? undefined : this.#catalog.models.get(modelId)?.dir;
    const [, owner, name] = /[\\/]models--([^\\/]+?)--([^\\/]+)[\\/]snapshots[\\/]/.exec(dir ?? '') ?? [];
    if (owner !== undefined) return { name: `${owner}/${name}`, isOnHub: true };
    return { name: modelName ?? 'a model that is not in the catalogue', isOnHub: false };
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
