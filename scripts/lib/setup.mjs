/** All set-up steps in order. Each tells whether there is anything to do; when not, it costs milliseconds. */
import { buildApp, buildIsCurrent } from './build.mjs';
import { dependenciesAreCurrent, installDependencies } from './dependencies.mjs';
import { electronIsSettled, setUpElectron } from './electron.mjs';
import { withLock } from './lock.mjs';
import { node24Path } from './node24.mjs';
import { setUpTensorflow, tensorflowIsSettled } from './tensorflow.mjs';

/**
 * @param {{ electron: boolean, build: boolean }} needs what the caller needs beyond dependencies
 *   and engines
 */
export async function setUp(needs) {
  const steps = [
    { settled: () => dependenciesAreCurrent(), act: installDependencies },
    { settled: tensorflowIsSettled, act: setUpTensorflow },
    { settled: () => !needs.electron || electronIsSettled(), act: setUpElectron },
    { settled: () => !needs.build || buildIsCurrent(), act: buildApp },
  ];
  if (steps.every((step) => step.settled())) return;
  await withLock(async () => {
    for (const step of steps) {
      if (!step.settled()) await step.act();
      // Names a missing Node 24 as soon as the dependencies, which bring it, are there.
      node24Path();
    }
  });
}
