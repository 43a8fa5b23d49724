/** The model card that lies beside the starter model. */
import type { RunSpec } from '../../src-shared/runSpec.ts';
import type { TrainResult } from '../../src-shared/training.ts';

/** Holds no date and no machine, so that making the starter twice gives the same bytes. */
export function readmeText(
  { steps, totalParameters, initialValLoss, valLoss }: TrainResult,
  { train, data }: RunSpec,
  rows: number,
): string {
  const parameters = totalParameters.toLocaleString('en');
  const schedule = `learning rate ${train.lr} (${train.schedule}, warm-up ${train.warmup})`;
  const decay = `weight decay ${train.weightDecay}, betas ${train.beta1} and ${train.beta2}`;
  return `---
license: mit
language: en
---

# Graft starter

A tiny Llama model (${parameters} parameters, float32, byte-level BPE) to try Graft with. It knows one small invented
world of cafés, inns and bars: it continues paragraphs and stories about them, and lists of records such as
\`name: Blue Fox | kind: café | food: Thai | area: harbour | price: cheap\`. It has never seen a record turned into a
sentence or a sentence into a record; the two sample datasets beside it (\`describe\`, \`extract\`)
teach an adapter each. It is of no use for anything else.

Made by \`node scripts/make-starter.ts\` of the Graft repository: a seeded generator writes the text, a byte-level BPE
is trained on it, and Graft's own engine trains all weights from random values. No other data or weights went into it.

| | |
|---|---|
| rows of text | ${rows}, up to ${data.maxLength} tokens each |
| optimiser steps | ${steps}, ${train.batch} rows each |
| AdamW | ${schedule}, ${decay} |
| seed | ${train.seed} |
| loss per token on held-out rows | ${initialValLoss?.toFixed(3)} before, ${valLoss?.toFixed(3)} after |

Licence: MIT, as Graft.
`;
}
