/** The migrations in order; the n-th brings the schema to user_version n. Only ever append, one file each. */
import { initial } from './0001-initial.ts';
import { datasets } from './0002-datasets.ts';
import { runs } from './0003-runs.ts';
import { adapters } from './0004-adapters.ts';
import { playground } from './0005-playground.ts';
import { exports } from './0006-exports.ts';
import { runDataVersion } from './0007-run-data-version.ts';
import { readingRules } from './0008-reading-rules.ts';
import { studies } from './0009-studies.ts';
import { exportFormats } from './0010-export-formats.ts';
import { adapterTemplate } from './0011-adapter-template.ts';
import { sampleLosses } from './0012-sample-losses.ts';
import { preparation } from './0013-preparation.ts';
import { runNotes } from './0014-run-notes.ts';
import { runNotBefore } from './0015-run-not-before.ts';
import { suites } from './0016-suites.ts';
import { preferenceScores } from './0017-preference-scores.ts';
import { choices } from './0018-choices.ts';
import { away } from './0019-away.ts';
import { awayClaims } from './0020-away-claims.ts';

export const migrations: readonly string[] = [
  initial,
  datasets,
  runs,
  adapters,
  playground,
  exports,
  runDataVersion,
  readingRules,
  studies,
  exportFormats,
  adapterTemplate,
  sampleLosses,
  preparation,
  runNotes,
  runNotBefore,
  suites,
  preferenceScores,
  choices,
  away,
  awayClaims,
];
