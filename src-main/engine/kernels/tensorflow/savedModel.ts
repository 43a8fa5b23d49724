/**
 * A graph of libtensorflow as the bytes of a SavedModel, the one form in which tfjs-node takes a graph. Only what
 * arithmetic on placeholders needs of TensorFlow 1.15's protocol buffers (saved_model.proto, meta_graph.proto,
 * graph.proto, node_def.proto, attr_value.proto, tensor.proto); field numbers are from there.
 */

const DT_FLOAT = 1;
const DT_INT32 = 3;
/** TensorFlow 1.15's GraphDef version. */
const PRODUCER = 134;
export const TAG = 'serve';

type AttributeValue = Buffer;

export interface GraphNode {
  name: string;
  op: string;
  inputs: string[];
  attributes: Record<string, AttributeValue>;
}

/** Of -1, the one number below 0 that is asked for: all 64 bits. */
const MINUS_ONE = Buffer.from([255, 255, 255, 255, 255, 255, 255, 255, 255, 1]);

function varint(value: number): Buffer {
  if (value === -1) return MINUS_ONE;
  if (value < 0) throw new Error(`${value} is not written by this`);
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest % 128) + 128);
  }
}

function wholeNumber(field: number, value: number): Buffer {
  return Buffer.concat([varint(field * 8), varint(value)]);
}

/** A message, text or packed list. */
function sized(field: number, ...parts: (Buffer | string)[]): Buffer {
  const content = Buffer.concat(parts.map((part) => Buffer.from(part)));
  return Buffer.concat([varint(field * 8 + 2), varint(content.length), content]);
}

export const typeValue = (type: number): AttributeValue => wholeNumber(6, type);
export const booleanValue = (value: boolean): AttributeValue => wholeNumber(5, value ? 1 : 0);
export const integerValue = (value: number): AttributeValue => wholeNumber(3, value);

export const FLOAT: AttributeValue = typeValue(DT_FLOAT);
export const INT32: AttributeValue = typeValue(DT_INT32);
export const TRUE: AttributeValue = booleanValue(true);

/** A float32 tensor of rank 0. */
export function floatScalar(value: number): AttributeValue {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return sized(8, wholeNumber(1, DT_FLOAT), sized(2), sized(5, bytes));
}

/** An int32 tensor (1) that holds `value`, not below 0. */
export function wholeVector(value: number): AttributeValue {
  return sized(8, wholeNumber(1, DT_INT32), sized(2, sized(2, wholeNumber(1, 1))), sized(7, varint(value)));
}

/** A tensor of the type with this number in TensorFlow; `bytes` are its values, little-endian. */
export function tensorValue(type: number, shape: readonly number[], bytes: Uint8Array): AttributeValue {
  const sizes = shape.map((size) => sized(2, wholeNumber(1, size)));
  return sized(8, wholeNumber(1, type), sized(2, ...sizes), sized(4, Buffer.from(bytes)));
}

export function savedModelBytes(nodes: GraphNode[]): Buffer {
  const encoded = nodes.map(({ name, op, inputs, attributes }) =>
    sized(
      1,
      sized(1, name),
      sized(2, op),
      ...inputs.map((input) => sized(3, input)),
      ...Object.entries(attributes).map(([key, value]) => sized(5, sized(1, key), sized(2, value))),
    ),
  );
  const graph = sized(2, ...encoded, sized(4, wholeNumber(1, PRODUCER)));
  return Buffer.concat([wholeNumber(1, 1), sized(2, sized(1, sized(4, TAG)), graph)]);
}
