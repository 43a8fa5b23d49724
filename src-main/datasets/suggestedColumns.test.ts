import { describe, expect, test } from 'vitest';
import { suggestedColumns } from './suggestedColumns.ts';

describe('columns of people’s own tables', () => {
  test.each([
    [['Betreff', 'Beschreibung', 'Antwort'], { prompt: '{Betreff}\n\n{Beschreibung}', completion: 'Antwort' }],
    [['frage', 'antwort', 'notiz'], { prompt: 'frage', completion: 'antwort' }],
    [['Nr.', 'Datum', 'Anfrage', 'Lösung'], { prompt: 'Anfrage', completion: 'Lösung' }],
    // SQuAD's columns.
    [
      ['id', 'title', 'context', 'question', 'answers'],
      { prompt: '{title}\n\n{context}\n\n{question}', completion: 'answers' },
    ],
    [['article', 'highlights', 'summary'], { prompt: 'article', completion: 'summary' }],
    [['Réponse ', 'Question'], { prompt: 'Question', completion: 'Réponse ' }],
    [['问题', '回答'], { prompt: '问题', completion: '回答' }],
  ])('%j', (columns, map) => {
    expect(suggestedColumns(columns)).toEqual(map);
  });

  test.each([[['a', 'b']], [['Antwort']], [['name', 'price', 'Frage']], [[]]])('%j: nothing is guessed', (columns) => {
    expect(suggestedColumns(columns)).toBeUndefined();
  });
});
