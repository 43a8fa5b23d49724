/** What the targets are, for the heads of the picture. */
// @wc-include
export const TARGET_NAMES: Record<string, string> = {
  q: 'query',
  k: 'key',
  v: 'value',
  qkv: 'query, key, value in one',
  o: 'attention output',
  gate: 'MLP gate',
  up: 'MLP up',
  gate_up: 'MLP gate and up in one',
  down: 'MLP down',
  fc: 'MLP in',
  proj: 'MLP out',
};

/** What each of them does, one plain sentence. */
export const TARGET_HELP: Record<string, string> = {
  q: 'What each token looks for in the tokens before it.',
  k: 'By what each token is found when others look.',
  v: 'What a token hands over to those that have found it.',
  qkv: 'What each token looks for, by what it is found, and what it hands over, in one matrix.',
  o: 'How a token takes in what it was handed by the others.',
  gate: 'Which of the features of a token are let through.',
  up: 'Spreads a token out into many features; much of what the model knows lies here.',
  gate_up: 'The features of a token and which of them are let through, in one matrix.',
  down: 'Puts the features that were let through together into the token again.',
  fc: 'Spreads a token out into many features; much of what the model knows lies here.',
  proj: 'Puts the features together into the token again.',
};
