/** What the scripts of all kinds share: how they are asked for, and the lines that begin the job. */
import { inComment, plainFile, wholeNumber } from './words.ts';

export interface ScriptInput {
  /** The run's, for a comment. */
  name: string;
  /** Graft's program for jobs, by its path in the job's folder. */
  entry: string;
  /** That train together; mpirun starts them where there is more than one. */
  processes?: number;
}

export interface Script {
  /** Its name in the job's folder. */
  file: string;
  /** What is typed in that folder, on the machine that trains it. */
  command: string;
  text: string;
}

/** The oldest Node that runs Graft's program. */
export const LEAST_NODE = 22;

/** Comment lines, each at most 120 characters of text. */
export const heading = ({ name }: ScriptInput, lines: readonly string[]): string =>
  [`Graft job: ${inComment(name)}`, '', ...lines].map((line) => `# ${line}`.trimEnd() + '\n').join('');

export const BRING_BACK = [
  'When it has ended, bring this whole folder back to the machine that you came from, and type there:',
  '  graft job import FOLDER',
  'If it was interrupted, start it again in the same way: it goes on where it was.',
];

/**
 * Lines of sh, run in the job's folder: look for Node, and become the job. Node is `node`, or what GRAFT_NODE names.
 */
export const beginJob = ({ entry, processes = 1 }: ScriptInput): string => `\
if ! [ -f job.json ]; then
  echo "There is no job.json in $PWD; start this script where the job lies." >&2
  exit 1
fi
node=\${GRAFT_NODE:-node}
version=$("$node" -p 'process.versions.node.split(".")[0]' 2>/dev/null) || version=0
if ! [ "$version" -ge ${LEAST_NODE} ] 2>/dev/null; then
  echo "Graft needs Node ${LEAST_NODE} or newer here; install it from https://nodejs.org, or name it in GRAFT_NODE." >&2
  exit 1
fi
${processes > 1 ? togetherBy(wholeNumber(processes)) : 'exec '}"$node" ${plainFile(entry)} worker .
`;

/** mpirun would kill processes that are told to end 2 s later; they need time to keep their state. */
const togetherBy = (processes: string): string => `\
export OMPI_MCA_odls_base_sigkill_timeout=10 PRTE_MCA_odls_base_sigkill_timeout=10
exec mpirun -np ${processes} `;

/** Lines of sh that go to the folder in which the script lies, whatever its name. */
export const GO_TO_OWN_FOLDER = `\
case $0 in
  */*) CDPATH= cd -- "\${0%/*}/" ;;
esac
`;
