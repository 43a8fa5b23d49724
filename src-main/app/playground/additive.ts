/** Which adapters can be mixed. */
import type { Adapter } from '../../catalog/adapters.ts';
import { usageError } from '../../../src-shared/errors.ts';
import { descriptorOf } from '../../../src-shared/methods/registry.ts';

/** Throws a usage error NOT_ADDITIVE for a method that names a reason why it is no sum; the worker finds the others. */
export function assertAdditive({ id, name, method }: Pick<Adapter, 'id' | 'name' | 'method'>): void {
  const why = descriptorOf(method.type).notAdditive?.(method);
  if (why !== undefined)
    throw usageError(
      'NOT_ADDITIVE',
      `${name} ${why} instead of only adding to them, so there is nothing in between to mix; choose another adapter.`,
      { adapterId: id },
    );
}
