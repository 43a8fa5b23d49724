/**
 * The buffers of a graphics card that tensors have given back, in the place of tfjs's BufferManager. That one hands a
 * freed buffer out again for a tensor of the very same size only: rows of another length in every step then fill the
 * card, since every length leaves its own buffers behind. Here a buffer also serves a tensor of half its size and more.
 */

/** A GPUBuffer of WebGPU. */
export interface GpuBuffer {
  readonly size: number;
  readonly usage: number;
  destroy(): void;
}

/** The device, as far as buffers go. */
export interface BufferSource {
  limits: { maxStorageBufferBindingSize: number };
  createBuffer(descriptor: { size: number; usage: number; mappedAtCreation: boolean }): GpuBuffer;
}

/** Most that a buffer may be larger than the tensor in it; measured, see docs/decisions.md. */
const MOST_WASTE = 2;
/** WebGPU's GPUBufferUsage.STORAGE: what tensors lie in. Uniforms and staging buffers are taken at their exact size. */
const STORAGE = 0x80;

export class BufferPool {
  /** Of all buffers, lent or free. */
  numBytesAllocated = 0;
  /** Of those that are lent. */
  numBytesUsed = 0;
  numFreeBuffers = 0;
  /** Most bytes of all buffers at a time. */
  peakBytes = 0;
  private readonly device: BufferSource;
  /** By usage, the smallest first. */
  private readonly free = new Map<number, GpuBuffer[]>();
  private readonly lent = new Set<GpuBuffer>();

  constructor(device: BufferSource) {
    this.device = device;
  }

  get numUsedBuffers(): number {
    return this.lent.size;
  }

  /** At least `size` bytes. Mapped only where it is a new one. */
  acquireBuffer(size: number, usage: number, mappedAtCreation = false, reuse = true): GpuBuffer {
    const buffer = (reuse ? this.takeFree(size, usage) : null) ?? this.make(size, usage, mappedAtCreation);
    this.lent.add(buffer);
    this.numBytesUsed += buffer.size;
    return buffer;
  }

  /** No command that uses it may be waiting to be sent. */
  releaseBuffer(buffer: GpuBuffer, reuse = true): void {
    if (!this.lent.delete(buffer)) return; // of before `dispose`
    this.numBytesUsed -= buffer.size;
    if (!reuse) return this.destroy(buffer);
    const buffers = this.freeOf(buffer.usage);
    buffers.splice(placeOf(buffers, buffer.size), 0, buffer);
    this.numFreeBuffers++;
  }

  restartPeak(): void {
    this.peakBytes = this.numBytesAllocated;
  }

  /** Gives the card back what is kept for later use. */
  dropFree(): void {
    for (const buffers of this.free.values()) for (const buffer of buffers.splice(0)) this.destroy(buffer);
    this.numFreeBuffers = 0;
  }

  dispose(): void {
    this.dropFree();
    for (const buffer of this.lent) this.destroy(buffer);
    this.lent.clear();
    this.numBytesUsed = 0;
  }

  private takeFree(size: number, usage: number): GpuBuffer | null {
    const buffers = this.freeOf(usage);
    const at = placeOf(buffers, size);
    const smallest = buffers[at];
    const most = usage & STORAGE ? Math.min(MOST_WASTE * size, this.device.limits.maxStorageBufferBindingSize) : size;
    if (!smallest || (smallest.size !== size && smallest.size > most)) return null;
    buffers.splice(at, 1);
    this.numFreeBuffers--;
    return smallest;
  }

  private make(size: number, usage: number, mappedAtCreation: boolean): GpuBuffer {
    const buffer = this.device.createBuffer({ size, usage, mappedAtCreation });
    this.numBytesAllocated += size;
    this.peakBytes = Math.max(this.peakBytes, this.numBytesAllocated);
    return buffer;
  }

  private destroy(buffer: GpuBuffer): void {
    this.numBytesAllocated -= buffer.size;
    buffer.destroy();
  }

  private freeOf(usage: number): GpuBuffer[] {
    const buffers = this.free.get(usage) ?? [];
    this.free.set(usage, buffers);
    return buffers;
  }
}

/** Index of the first buffer of `size` bytes or more. */
function placeOf(buffers: GpuBuffer[], size: number): number {
  let [low, high] = [0, buffers.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((buffers[middle]?.size ?? Infinity) < size) low = middle + 1;
    else high = middle;
  }
  return low;
}
