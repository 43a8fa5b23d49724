/**
 * A run's spec names the version of its dataset by number; in runs of before, the hash of what they saw tells which it
 * was.
 */
const SAME_CONTENT =
  'FROM dataset_versions v WHERE v.dataset_id = runs.dataset_id AND v.hash = json_extract(runs.spec, ' +
  `'$.data.hash')`;

export const runDataVersion = `
UPDATE runs
SET spec = json_set(spec, '$.data.version', (
  SELECT v.number ${SAME_CONTENT}
  ORDER BY v.file = json_extract(runs.spec, '$.data.file') DESC, v.number DESC LIMIT 1
))
WHERE EXISTS (SELECT 1 ${SAME_CONTENT});
`;
