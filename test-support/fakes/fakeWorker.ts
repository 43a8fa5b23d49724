/** A worker process that misbehaves, for tests of what the real one never does: garbage on the wire, sudden death. */
import type { ToWorker } from '../../src-shared/workerCalls.ts';

process.on('message', (message: ToWorker) => {
  if (message.kind !== 'call') return;
  if (message.name === 'engines') answerAmidGarbage(message.id);
  if (message.name === 'load') {
    process.stderr.write('warming up\nout of memory: 7 bytes short\n');
    process.exitCode = 3;
    process.disconnect();
  }
  if (message.name === 'attach') process.kill(process.pid, 'SIGKILL');
});

function answerAmidGarbage(id: number): void {
  for (const garbage of [
    42,
    'text',
    {},
    { kind: 'result' },
    { kind: 'result', id: 'x' },
    { kind: 'result', id: id + 1, result: ['of nobody'] },
    { kind: 'error', id },
  ]) {
    process.send!(garbage);
  }
  process.send!({ kind: 'result', id, result: [] });
}
