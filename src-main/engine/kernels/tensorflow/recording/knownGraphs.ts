/** The graphs that were written down, and those that libtensorflow has loaded. */
import { loadGraph } from '../../../backends/tensorflowGraphs.ts';
import type { TensorflowBackend } from '../../../backends/tfjsInternals.ts';
import { savedModelBytes, TAG, type GraphNode } from '../savedModel.ts';

const MOST_KNOWN = 64;
const MOST_LOADED = 16;

interface Graph {
  calls: number;
  /** undefined until it is loaded. */
  id: number | undefined;
}

export class KnownGraphs {
  /** By key; those used last stand last. */
  private readonly graphs = new Map<string, Graph>();

  /** Whether it was known already. */
  add(key: string): boolean {
    if (this.graphs.has(key)) return true;
    this.graphs.set(key, { calls: 0, id: undefined });
    const idle = [...this.graphs].find(([, { id }]) => id === undefined);
    if (idle && this.graphs.size > MOST_KNOWN) this.graphs.delete(idle[0]);
    return false;
  }

  /** What to run the graph by, which is loaded at the first call after `callsBefore` others; undefined before. */
  loaded(backend: TensorflowBackend, key: string, nodes: GraphNode[], callsBefore: number): number | undefined {
    const graph = this.graphs.get(key);
    if (!graph || graph.calls++ < callsBefore) return undefined;
    if (graph.id === undefined) {
      this.makeRoom(backend);
      try {
        graph.id = loadGraph(backend, savedModelBytes(nodes), TAG);
      } catch {
        graph.calls = -Infinity; // no folder to hand it over in: it goes on op by op
        return undefined;
      }
    }
    this.graphs.delete(key);
    this.graphs.set(key, graph);
    return graph.id;
  }

  private makeRoom({ binding }: TensorflowBackend): void {
    const loaded = [...this.graphs.values()].filter(({ id }) => id !== undefined);
    const oldest = loaded.length >= MOST_LOADED ? loaded[0] : undefined;
    if (oldest?.id === undefined) return;
    binding.deleteSavedModel(oldest.id);
    oldest.id = undefined;
  }
}
