/**
 * Bottleneck adapter layers: Houlsby et al. 2019, Lin et al. 2020, Pfeiffer et al. 2021; `skipLayers`: AdapterDrop
 * (Rücklé et al. 2021). Runs and files call the method `adapter`.
 */
import { z } from 'zod';
import { defineMethod } from './method.ts';

const NAMES = {
  houlsby: 'Adapter layers (Houlsby)',
  lin: 'Adapter layers (Lin)',
  pfeiffer: 'Adapter layers (Pfeiffer)',
};

export const bottleneck = defineMethod({
  type: 'adapter',
  name: 'Adapter layers',
  line: 'Small layers behind attention and MLP; they stay in the model, so answers get a little slower.',
  settings: {
    kind: {
      schema: z.enum(['houlsby', 'lin', 'pfeiffer']).default('houlsby'),
      label: 'Kind',
      help: 'Where the layers sit: after attention and after the MLP (Houlsby), or after the MLP only.',
      flag: 'kind',
      value: 'NAME',
      choices: { houlsby: 'Houlsby', lin: 'Lin (with a LayerNorm)', pfeiffer: 'Pfeiffer' },
      place: 'fields',
    },
    bottleneck: {
      schema: z.number().int().min(1).default(16),
      label: 'Bottleneck',
      help: 'Width of an adapter layer; the narrower, the fewer parameters.',
      flag: 'bottleneck',
      value: 'N',
      place: 'fields',
    },
    skipLayers: {
      schema: z.number().int().min(0).default(0),
      label: 'Skip layers',
      help: 'The lowest layers get no adapter (AdapterDrop): faster, often as good.',
      flag: 'skip-layers',
      value: 'N',
      place: 'fields',
    },
  },
  describe: (method) => ({
    name: NAMES[method.kind],
    details: [
      `bottleneck ${method.bottleneck}`,
      ...(method.skipLayers ? [`lowest ${method.skipLayers} skipped`] : []),
    ].join(', '),
  }),
  /** L_Adapt adapters, two in each layer with Houlsby, and L_LN layer norms with Lin. */
  trainable: ({ kind, bottleneck: r, skipLayers }, { layers, hidden: d }) => {
    const adapters = (layers - skipLayers) * (kind === 'houlsby' ? 2 : 1);
    const norms = kind === 'lin' ? layers - skipLayers : 0;
    const formula =
      `L_Adapt·(2·d_model·r + r + d_model)${norms ? ' + 2·L_LN·d_model' : ''} = ${adapters}·(2·${d}·${r} + ${r} + ` +
      `${d})${norms ? ` + 2·${norms}·${d}` : ''}`;
    return { count: adapters * (2 * d * r + r + d) + 2 * norms * d, formula };
  },
  notMergeable:
    'holds adapter layers, which cannot be merged since a nonlinearity stands between their two matrices and the ' +
    "base's weights",
});
export type BottleneckSettings = z.infer<typeof bottleneck.schema>;
