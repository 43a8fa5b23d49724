/** A method's settings as the form keeps and shows them, all from its descriptor. */
import type { MethodSetting, ModelShape } from '../../../src-shared/methods/method.ts';
import type { AnyMethod } from '../../../src-shared/methods/registry.ts';
import { defaultOf, kindOf, type Settings } from '../../../src-shared/settings/setting.ts';
import type { StartRun } from '../../lib/api.ts';
import { settingsOf, targetOf, type CellSettings, type MatrixSize, type Shape } from './matrices.ts';

/** What the user has entered, by the setting's name; whatever is missing is as the method has it. */
export type Entered = Record<string, unknown>;

/** Whether a form asks how many of the highest layers instead of which. */
export function isLayerCount(setting: MethodSetting): boolean {
  return kindOf(setting) === 'integers';
}

/** What was entered where it suits this method, else the default. */
export function valueOf({ settings }: AnyMethod, entered: Entered, name: string): unknown {
  const setting = settings[name];
  if (!setting) return undefined;
  const parsed = setting.schema.safeParse(entered[name]);
  return parsed.success && entered[name] !== undefined ? parsed.data : defaultOf(setting);
}

/** The settings that the form shows at one place, in their order. */
export function shownAt(method: AnyMethod, entered: Entered, place: MethodSetting['place']): string[] {
  const hidden = method.void?.(parsedOf(method, entered)) ?? [];
  return Object.entries(method.settings)
    .filter(([name, setting]) => setting.place === place && !hidden.includes(name))
    .map(([name]) => name);
}

function parsedOf(method: AnyMethod, entered: Entered): ReturnType<AnyMethod['schema']['parse']> {
  const values = Object.keys(method.settings).map((name) => [name, valueOf(method, entered, name)]);
  return method.schema.parse({ type: method.type, ...Object.fromEntries(values) });
}

/** What the draft of a run says of its method and its matrices. */
export interface MethodDraft {
  settings: Entered;
  chosen: readonly string[];
  ranks: Readonly<Record<string, number>>;
  alphaPattern: Record<string, number>;
  topLayers: number | undefined;
}

/** The method as a request names it; what is absent is left to its defaults. */
export function methodRequest(
  method: AnyMethod,
  { settings, chosen, ranks, alphaPattern, topLayers: top }: MethodDraft,
  model: Shape | undefined,
): StartRun['method'] {
  const named = (name: string): boolean => name in method.settings;
  const onMatrices = method.targets !== undefined;
  const { rankPattern, ...cells } =
    model && onMatrices ? settingsOf(model, new Set(chosen), ranks) : ({} as CellSettings);
  const layers = model && !onMatrices && named('layers') && top !== undefined && topLayers(model.layers, top);
  return {
    type: method.type,
    ...requestFields(method, settings),
    ...cells,
    ...(rankPattern && named('rankPattern') ? { rankPattern } : {}),
    ...(named('alphaPattern') && Object.keys(alphaPattern).length > 0 ? { alphaPattern } : {}),
    ...(layers ? { layers } : {}),
  };
}

/** The fields that say something: neither what is off nor what an empty box stands for. */
function requestFields(method: AnyMethod, entered: Entered): Record<string, unknown> {
  const names = [...shownAt(method, entered, 'fields'), ...shownAt(method, entered, 'more')];
  return Object.fromEntries(
    names
      .filter((name) => !isLayerCount(method.settings[name]!))
      .map((name) => [name, valueOf(method, entered, name)] as const)
      .filter(
        ([name, value]) => value !== undefined && value !== false && value !== method.settings[name]!.placeholder,
      ),
  );
}

/** What an earlier run's settings say of the fields of the form. */
export function enteredFrom(method: AnyMethod, settings: object): Entered {
  return Object.fromEntries(
    Object.entries(settings).filter(([name]) => {
      const setting = method.settings[name];
      return setting !== undefined && setting.place !== 'grid' && !isLayerCount(setting);
    }),
  );
}

/** Whether some method, or objective, has a setting of this name that takes the value. */
export function isKnown(forms: readonly { settings: Settings }[], name: string, value: unknown): boolean {
  return forms.some(({ settings }) => settings[name]?.schema.safeParse(value).success);
}

/** Highest layers that are trained where only so many are. */
function topLayers(layers: number, count: number): number[] {
  const kept = Math.max(1, Math.min(layers, count));
  return Array.from({ length: kept }, (_, i) => layers - kept + i);
}

/**
 * Trained parameters of the chosen cells by the method's formula; undefined where the sizes of the matrices do not
 * tell.
 */
export function countOf(
  method: AnyMethod,
  settings: object,
  model: Omit<ModelShape, 'matrices' | 'tensors'>,
  cells: { sizes: readonly MatrixSize[]; chosen: ReadonlySet<string>; rankOf(cell: string): number },
): number | undefined {
  const parsed = method.schema.safeParse(settings);
  if (!method.targets || !parsed.success || cells.sizes.length === 0) return undefined;
  if (!method.targets.nothingElse(parsed.data)) return undefined;
  const byTarget = new Map(cells.sizes.map((size) => [size.target, size]));
  const matrices = [...cells.chosen].flatMap((cell) => {
    const size = byTarget.get(targetOf(cell));
    return size ? [{ ...size, rank: cells.rankOf(cell) }] : [];
  });
  return method.trainable(parsed.data, { ...model, matrices, tensors: new Map() }).count;
}
