/** How many parameters a method trains, by its closed formula, before anything is loaded. */
import { descriptorOf, type MethodSettings } from '../../src-shared/methods/registry.ts';
import type { ModelShape, Trainable } from '../../src-shared/methods/method.ts';
import type { ArchitectureSpec } from '../engine/model/architecture.ts';
import { filesOf } from './fileRegistry.ts';
import { adaptedModules, withTargets, type TargetOptions } from './targets.ts';

/** Throws where the settings do not fit the model, as the method itself does. */
export function trainableOf(spec: ArchitectureSpec, tensors: ModelShape['tensors'], method: MethodSettings): Trainable {
  const settings = withTargets(spec, method);
  filesOf(settings.type).check(spec, [...tensors.keys()], settings);
  const descriptor = descriptorOf(settings.type);
  const matrices = descriptor.targets
    ? adaptedModules(spec, settings as TargetOptions).map(({ module, rank }) => ({ ...module, rank }))
    : [];
  return descriptor.trainable(settings, { ...spec, matrices, tensors });
}
