/** What is wrong with a file of PyTorch's, in one sentence each. */
import { GraftError } from '../../src-shared/errors.ts';

const SHOWN = 120;

/** Names from the file, cut to a bearable length and without control characters. */
export function shown(name: string): string {
  const clean = name.slice(0, SHOWN).replace(/[\x00-\x1f\x7f]/g, '?');
  return name.length > SHOWN ? `${clean}…` : clean;
}

/** `problem`: as in `FILE <problem>`. */
export function brokenTorchFile(file: string, problem: string): GraftError {
  return new GraftError(
    'TORCH_FILE',
    `${file} ${problem}; download it again, or take the same weights as safetensors.`,
    { file },
  );
}

/** For whatever a file wants to be made or called that is no tensor. */
export function refusedGlobal(file: string, name: string): GraftError {
  return new GraftError(
    'TORCH_FILE_CODE',
    `${file} calls for ${shown(name)}, which is none of PyTorch's tensor types, and Graft runs no code from files; ` +
      'take the weights as safetensors, or save the tensors alone (in Python: torch.save(model.state_dict(), file)).',
    { file, global: shown(name) },
  );
}
