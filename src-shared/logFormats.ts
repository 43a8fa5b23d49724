/** In which forms the logs of runs can be had, and how each is looked at. */
export const LOG_FORMATS = ['tensorboard', 'csv', 'json', 'mlflow'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

export const LOG_FORMAT_LABELS: Record<LogFormat, string> = {
  tensorboard: 'TensorBoard: event files with losses, settings and notes',
  csv: 'CSV: tables of steps, evaluations, settings and results',
  json: 'JSON: one file for each run with everything',
  mlflow: 'MLflow: a file store (mlruns)',
};

/** The folder of a format within the chosen one. */
export const LOG_FOLDERS: Record<LogFormat, string> = {
  tensorboard: 'tensorboard',
  csv: 'csv',
  json: 'json',
  mlflow: 'mlruns',
};
