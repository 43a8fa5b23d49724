/**
 * Runs WGSL of our own inside the command stream of tfjs-backend-webgpu 4.22, whose buffers, queue and clean-up it
 * uses. tfjs's own runner writes one output per program; this one writes several, and adds no code to the shader
 * but its declarations. It knows no particular kernel.
 */
import type * as tf from '@tensorflow/tfjs-core';
import type { GpuDevice, GpuPipeline } from '../../backends/gpuDevice.ts';
import { submitWhenFull, type WebgpuBackend } from '../../backends/tfjsInternals.ts';

type Scalar = 'f32' | 'u32' | 'i32';
/** What a storage buffer is an array of; vectors load several neighbours at once. */
export type Element = Scalar | 'vec4<f32>' | 'vec2<u32>';

export interface Program {
  /** The kernel's name and every constant baked into its text: one key, one text. */
  key: string;
  /** Storage buffers by name, in the order of the tensors. */
  inputs: Record<string, Element>;
  outputs: Record<string, Element>;
  /** The input that is also written; its tensor must share its data with no other. */
  inPlace?: string;
  /** Sizes and scalars, read as `u.name`. */
  uniforms: Record<string, Scalar>;
  /** Invocations per workgroup. */
  lanes: number;
  /** Extensions that the text needs, e.g. `enable f16;`. */
  directives?: string;
  /** Functions and workgroup memory. */
  declarations?: string;
  /** More parameters of the entry point, e.g. `@builtin(subgroup_id) wave: u32`. */
  builtins?: string[];
  /** Body of the entry point; sees `group` (index of the workgroup, uniform) and `lane` (index within it). */
  body: string;
}

const UNIFORM_TYPES: Record<Scalar, string> = { f32: 'float32', u32: 'uint32', i32: 'int32' };
const pipelines = new WeakMap<GpuDevice, Map<string, GpuPipeline>>();

/**
 * Queues `groups` workgroups of `program`. `uniforms` by name; `shapes`: one per output, float32 tensors that the
 * caller owns. Nothing is waited for.
 */
export function runProgram<Shapes extends number[][]>(
  backend: WebgpuBackend,
  program: Program,
  inputs: tf.TensorInfo[],
  uniforms: Record<string, number>,
  groups: number,
  shapes: [...Shapes],
): { [Index in keyof Shapes]: tf.TensorInfo } {
  const outputs = shapes.map((shape) => backend.makeTensorInfo(shape, 'float32'));
  const tensors = [...inputs, ...outputs];
  for (const { dataId } of tensors) {
    backend.uploadToGPU(dataId);
    backend.commandQueueOwnedIds.add(dataId); // a tensor disposed before the queue is submitted waits for it
  }
  const pipeline = pipelineOf(backend.device, program);
  const values = Object.entries(program.uniforms).map(([name, type]) => ({
    type: UNIFORM_TYPES[type],
    data: [uniformOf(program, uniforms, name)],
  }));
  const bindings = [
    backend.makeUniforms([{ type: 'uint32', data: [groups] }, ...values]),
    ...tensors.map((t) => backend.tensorToBinding(t)),
  ];
  const bindGroup = backend.device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: bindings.map((resource, binding) => ({ binding, resource })),
  });
  record(backend, pipeline, bindGroup, groups);
  return outputs as { [Index in keyof Shapes]: tf.TensorInfo };
}

function uniformOf({ key }: Program, uniforms: Record<string, number>, name: string): number {
  const value = uniforms[name];
  if (value === undefined) throw new Error(`${key} was not given ${name}`);
  return value;
}

function record(backend: WebgpuBackend, pipeline: GpuPipeline, bindGroup: object, groups: number): void {
  const columns = Math.min(groups, backend.device.limits.maxComputeWorkgroupsPerDimension);
  backend.ensureCommandEncoderReady();
  const pass = (backend.computePassEncoder ??= backend.commandEncoder.beginComputePass({}));
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, bindGroup);
  pass.dispatchWorkgroups(columns, Math.ceil(groups / columns));
  submitWhenFull(backend);
}

function pipelineOf(device: GpuDevice, program: Program): GpuPipeline {
  let known = pipelines.get(device);
  if (!known) pipelines.set(device, (known = new Map()));
  let pipeline = known.get(program.key);
  if (!pipeline) {
    const module = device.createShaderModule({ code: shaderText(program), label: program.key });
    pipeline = device.createComputePipeline({
      compute: { module, entryPoint: 'start' },
      label: program.key,
      layout: 'auto',
    });
    known.set(program.key, pipeline);
  }
  return pipeline;
}

/** The whole WGSL text. Workgroups beyond the first row of the grid count on, so that any number fits. */
export function shaderText({
  inputs,
  inPlace,
  outputs,
  uniforms,
  lanes,
  directives = '',
  declarations = '',
  builtins = [],
  body,
}: Program): string {
  const fields = Object.entries(uniforms)
    .map(([name, type]) => `, ${name}: ${type}`)
    .join('');
  const buffers = Object.entries({ ...inputs, ...outputs }).map(([name, type]) => {
    const access = name in outputs || name === inPlace ? 'read_write' : 'read';
    return `var<storage, ${access}> ${name}: array<${type}>;`;
  });
  const more = builtins.map((builtin) => `, ${builtin}`).join('');
  return `${directives}
struct Uniforms { groups: u32${fields} };
@group(0) @binding(0) var<uniform> u: Uniforms;
${buffers.map((declaration, i) => `@group(0) @binding(${i + 1}) ${declaration}`).join('\n')}
${declarations}
@compute @workgroup_size(${lanes})
fn start(
  @builtin(workgroup_id) id: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32${more}) {
  let group = id.y * grid.x + id.x;
  if (group >= u.groups) { return; }
  ${body}
}`;
}
