/** Writing an expression as nodes of a graph, all marked to be compiled by XLA. */
import { FLOAT, floatScalar, INT32, TRUE, wholeVector, type GraphNode } from '../savedModel.ts';

/** Name of the node that computes it. */
export type Value = string;

/** TensorFlow's op of that name on one value, or on two that may be broadcast. */
type Unary = 'Square' | 'Sqrt' | 'Rsqrt' | 'Sigmoid';
type Binary = 'AddV2' | 'Sub' | 'Mul' | 'RealDiv';

const COMPILED = { _XlaCompile: TRUE };

export class Graph {
  readonly nodes: GraphNode[] = [];

  placeholder(name: string): Value {
    return this.add({ name, op: 'Placeholder', inputs: [], attributes: { dtype: FLOAT } });
  }

  constant(value: number): Value {
    return this.compiled('Const', [], { dtype: FLOAT, value: floatScalar(value) });
  }

  unary(op: Unary, x: Value): Value {
    return this.compiled(op, [x], { T: FLOAT });
  }

  binary(op: Binary, a: Value, b: Value): Value {
    return this.compiled(op, [a, b], { T: FLOAT });
  }

  /** Of each row, x: (N, C). Returns (N, 1). */
  meanOfRows(x: Value): Value {
    const axis = this.compiled('Const', [], { dtype: INT32, value: wholeVector(1) });
    return this.compiled('Mean', [x, axis], { T: FLOAT, Tidx: INT32, keep_dims: TRUE });
  }

  private add(node: GraphNode): Value {
    this.nodes.push(node);
    return node.name;
  }

  private compiled(op: string, inputs: Value[], attributes: GraphNode['attributes']): Value {
    return this.add({ name: `n${this.nodes.length}`, op, inputs, attributes: { ...attributes, ...COMPILED } });
  }
}
