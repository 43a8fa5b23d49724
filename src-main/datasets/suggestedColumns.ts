/**
 * Which columns of a table are probably the question and which the answer, by their names in several languages. A
 * suggestion for columns that fit no shape: it is shown with the first rows, and counts once somebody has agreed to it.
 */
import type { ColumnMap } from '../../src-shared/datasets.ts';

/** Without accents and signs, in small letters. */
const ANSWERS = new Set(
  (
    'answer answers reply response output completion target solution resolution summary translation ' +
    'antwort antworten losung loesung ausgabe ergebnis zusammenfassung ubersetzung uebersetzung ' +
    'reponse resume traduction respuesta solucion resumen traduccion risposta soluzione resposta solucao ' +
    '回答 答案 答え'
  ).split(' '),
);
/** Each a question by itself or a part of one. */
const QUESTIONS = new Set(
  (
    'question questions query prompt instruction input subject title headline description text body message content ' +
    'context document article request ticket problem ' +
    'frage fragen anfrage anweisung eingabe betreff titel uberschrift ueberschrift beschreibung nachricht inhalt ' +
    'kontext artikel problem anliegen ' +
    'requete sujet titre contenu contexte ' +
    'pregunta consulta asunto titulo descripcion mensaje texto contenido contexto ' +
    'domanda oggetto titolo descrizione messaggio testo contenuto contesto pergunta assunto descricao mensagem ' +
    '问题 質問 標題'
  ).split(' '),
);

/** Prompt and completion; undefined where the names say neither. Several columns of a question are joined. */
export function suggestedColumns(columns: readonly string[]): ColumnMap | undefined {
  const completion = columns.find((name) => ANSWERS.has(plain(name)));
  const parts = columns.filter((name) => name !== completion && QUESTIONS.has(plain(name)));
  if (completion === undefined || parts.length === 0) return undefined;
  // A join cannot name a column with braces.
  const named = parts.length === 1 ? parts : parts.filter((name) => !/[{}]/.test(name));
  return { prompt: named.length === 1 ? named[0]! : named.map((name) => `{${name}}`).join('\n\n'), completion };
}

function plain(name: string): string {
  return name
    .normalize('NFD')
    .replaceAll(/[^\p{L}\p{N}]/gu, '')
    .toLowerCase();
}
