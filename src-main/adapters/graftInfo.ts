/**
 * graft.json beside an adapter: which base model it belongs to, by hash, and where it came from. PEFT ignores the
 * file; adapters made elsewhere lack it.
 */
import { z } from 'zod';
import { PROMPT_TEMPLATES } from '../../src-shared/promptTemplates.ts';
import { parseJson } from '../files/parseJson.ts';
import { GraftError } from '../../src-shared/errors.ts';

export const GRAFT_FILE = 'graft.json';

const infoSchema = z.object({
  format: z.literal(1),
  /** `hash` of the base checkpoint. */
  baseHash: z.string(),
  /** For messages only. */
  baseName: z.string(),
  task: z.string(),
  runId: z.string(),
  /** The settings of the fine-tuning method; files from before there was a choice lack them. */
  method: z.looseObject({ type: z.string() }).optional(),
  /** Where the adapter classifies texts: the names of its classes. */
  labels: z.array(z.string()).optional(),
  /**
   * Tokens that training taught as the end of an answer, beside the base's own EOS; files of earlier versions lack it.
   */
  endTokens: z.array(z.object({ id: z.number().int().min(0), text: z.string() })).optional(),
  /** Kind of the rows that it was trained on; files of earlier versions lack it. */
  rows: z.enum(['completion', 'alpaca', 'messages', 'text']).optional(),
  /** How its questions were put; files of earlier versions lack it. */
  promptTemplate: z
    .object({ name: z.enum(PROMPT_TEMPLATES).exclude(['auto']), template: z.string().optional() })
    .optional(),
  /** ISO 8601. */
  createdAt: z.string(),
});
export type GraftAdapterInfo = z.infer<typeof infoSchema>;

function wrongField(path: PropertyKey[]): string {
  return path.length === 0 ? 'is not a JSON object' : `has a wrong field ${path.join('.')}`;
}

/** Parses the text of `file` (a graft.json). Throws GraftError GRAFT_INFO. */
export function parseGraftInfo(file: string, text: string): GraftAdapterInfo {
  const broken = (problem: string): GraftError =>
    new GraftError(
      'GRAFT_INFO',
      `${file} ${problem}; export the adapter again, or delete this file to use the adapter without the check ` +
        'of its base model.',
      { file },
    );
  const json = parseJson(text);
  if ('problem' in json) throw broken(json.problem);
  const parsed = infoSchema.safeParse(json.value);
  if (!parsed.success) throw broken(wrongField(parsed.error.issues[0]!.path));
  return parsed.data;
}
