/** The one list of what each method knows of the engine. */
import type { MethodType } from '../../src-shared/methods/registry.ts';
import type { Method } from './method.ts';
import { bitfitMethod } from './bitfit/biases.ts';
import { bottleneckMethod } from './bottleneck/bottleneck.ts';
import { fullMethod } from './full/full.ts';
import { ia3Method } from './ia3/ia3.ts';
import { lohaMethod } from './loha/loha.ts';
import { lokrMethod } from './lokr/lokr.ts';
import { loraMethod } from './lora/method.ts';
import { missMethod } from './miss/miss.ts';
import { prefixMethod } from './prefix/prefix.ts';

const METHODS: Record<MethodType, Method> = {
  lora: loraMethod,
  lokr: lokrMethod,
  loha: lohaMethod,
  full: fullMethod,
  bitfit: bitfitMethod,
  adapter: bottleneckMethod,
  prefix: prefixMethod,
  ia3: ia3Method,
  miss: missMethod,
};

export function methodOf(type: MethodType): Method {
  return METHODS[type];
}
