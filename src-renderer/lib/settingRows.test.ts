import { describe, expect, it } from 'vitest';
import { settingLabel, settingRows } from './settingRows.ts';

describe('settings side by side', () => {
  it('marks what differs, and what only one has', () => {
    const rows = settingRows([
      [
        { key: 'train.lr', value: 0.0002 },
        { key: 'train.batch', value: 4 },
        { key: 'data.hash', value: 'a'.repeat(64) },
      ],
      [
        { key: 'train.lr', value: 0.001 },
        { key: 'train.batch', value: 4 },
        { key: 'method.dora', value: true },
      ],
    ]);
    expect(rows.map(({ key, values, differs }) => [key, ...values, differs])).toEqual([
      ['train.lr', '2e-4', '0.001', true],
      ['train.batch', '4', '4', false],
      ['data.hash', 'aaaaaaaaaaaa', '–', true],
      ['method.dora', '–', 'yes', true],
    ]);
  });

  it('choices read as a form names them', () => {
    const [method, engine, loss] = settingRows([
      [
        { key: 'method.type', value: 'lora' },
        { key: 'engine', value: 'tensorflow' },
        { key: 'data.lossOn', value: 'completion' },
      ],
    ]);
    expect([method, engine, loss].map((row) => row!.values[0])).toEqual(['LoRA', 'TensorFlow', 'Completion only']);
  });

  it('long values that begin alike still differ', () => {
    const [row] = settingRows([
      [{ key: 'data.hash', value: `${'a'.repeat(20)}1` }],
      [{ key: 'data.hash', value: `${'a'.repeat(20)}2` }],
    ]);
    expect(row!.differs).toBe(true);
  });

  it.each([
    ['train.lr', 'Learning rate'],
    ['method.rankPattern.3.q', 'Rank of 3.q'],
    ['train.somethingNew', 'somethingNew'],
  ])('%s is called %s', (key, label) => expect(settingLabel(key)).toBe(label));
});
