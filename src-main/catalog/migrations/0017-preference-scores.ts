/** What the choices of a step or an evaluation came to; null in runs that learn answers as they stand. */
export const preferenceScores = `
ALTER TABLE metrics ADD COLUMN chosen_reward REAL;
ALTER TABLE metrics ADD COLUMN rejected_reward REAL;
ALTER TABLE metrics ADD COLUMN accuracy REAL;
ALTER TABLE metrics ADD COLUMN kl REAL;
ALTER TABLE evaluations ADD COLUMN chosen_reward REAL;
ALTER TABLE evaluations ADD COLUMN rejected_reward REAL;
ALTER TABLE evaluations ADD COLUMN accuracy REAL;
ALTER TABLE evaluations ADD COLUMN kl REAL;
`;
