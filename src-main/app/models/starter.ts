/** The tiny model and the sample datasets in resources/starter, so that Graft is useful without a download. */
import fs from 'node:fs';
import path from 'node:path';
import { GRAFT_ROOT } from '../../files/repository.ts';

export interface Starter {
  modelDir: string;
  /** `prompt`: of the first row. */
  datasets: { file: string; name: string; task: string; prompt: string }[];
}

export const STARTER_DIR = path.join(GRAFT_ROOT, 'resources/starter');

/** Null when this copy of Graft lacks them. */
export function starter(dir: string = STARTER_DIR): Starter | null {
  const modelDir = path.join(dir, 'model');
  if (!fs.existsSync(path.join(modelDir, 'config.json'))) return null;
  const dataDir = path.join(dir, 'data');
  const files = fs.existsSync(dataDir)
    ? fs
        .readdirSync(dataDir)
        .filter((name) => name.endsWith('.jsonl'))
        .sort()
    : [];
  const datasets = files.map((name) => {
    const task = name.slice(0, -'.jsonl'.length);
    const file = path.join(dataDir, name);
    return { file, name: `Sample: ${task}`, task, prompt: firstPrompt(file) };
  });
  return { modelDir, datasets };
}

function firstPrompt(file: string): string {
  const [line = ''] = fs.readFileSync(file, 'utf8').split('\n', 1);
  return (JSON.parse(line) as { prompt: string }).prompt;
}
