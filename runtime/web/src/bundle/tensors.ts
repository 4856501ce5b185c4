/** From one piece's tensor to the next one's, where the two are of different precision. */

import type { Dtype, TensorSpec } from "./manifest.js";

/** The numbers of a tensor, row-major, in the order of its spec's `shape`. */
export type TensorData = Uint8Array | Int8Array | Int16Array | Float32Array;

// What is added and taken away again is rounded to a whole number, half to even: 1.5 · 2⁵² in float64.
const ROUNDING = 6755399441055744;

/** A tensor of zeros. */
export function emptyTensor(dtype: Dtype, size: number): TensorData {
  return new { uint8: Uint8Array, int8: Int8Array, int16: Int16Array, float32: Float32Array }[dtype](size);
}

/** The least and the largest code of an integer type. */
export function limitsOf(dtype: Exclude<Dtype, "float32">): readonly [number, number] {
  return dtype === "uint8" ? [0, 255] : dtype === "int8" ? [-128, 127] : [-32768, 32767];
}

/** Whether `converted` can pass `source` on as `target`: same shape and layout; equal, or of different types. */
export function isConvertible(source: TensorSpec, target: TensorSpec): boolean {
  return (
    `${source.shape}` === `${target.shape}` &&
    source.layout === target.layout &&
    (source.dtype !== target.dtype || (source.scale === target.scale && source.zero_point === target.zero_point))
  );
}

/**
 * A tensor as a piece takes it: the image (which no piece makes: no source) in its layout, others `converted`.
 *
 * @param tensor the image: (height, width, 3) RGB; others: as `source` says.
 */
export function arranged(tensor: TensorData, source: TensorSpec | null, target: TensorSpec): TensorData {
  if (source) {
    return converted(tensor, source, target);
  }
  if (target.layout === "NHWC") {
    return tensor;
  }
  const planes = emptyTensor(target.dtype, tensor.length);
  const size = tensor.length / 3;
  for (let pixel = 0, at = 0; pixel < size; pixel++) {
    planes[pixel] = tensor[at++];
    planes[pixel + size] = tensor[at++];
    planes[pixel + 2 * size] = tensor[at++];
  }
  return planes;
}

/**
 * `tensor`, which is as `source` says, as `target` wants it: real = scale · (code − zero_point).
 *
 * @returns the tensor itself where both have one type.
 */
export function converted(tensor: TensorData, source: TensorSpec, target: TensorSpec): TensorData {
  if (source.dtype === target.dtype) {
    return tensor;
  }
  // Each step in float32, as the Python runtime does them.
  const { fround } = Math;
  const values = new Float32Array(tensor);
  if (source.dtype !== "float32") {
    const [scale, zero] = affineOf(source);
    for (let i = 0; i < values.length; i++) {
      values[i] = (values[i] - zero) * scale; // the difference of two codes is exact
    }
  }
  if (target.dtype === "float32") {
    return values;
  }
  const [scale, zero] = affineOf(target);
  const [least, most] = limitsOf(target.dtype);
  const codes = emptyTensor(target.dtype, values.length);
  for (let i = 0; i < values.length; i++) {
    const rounded = fround(values[i] / scale) + ROUNDING - ROUNDING;
    codes[i] = Math.max(least, Math.min(most, fround(rounded + zero)));
  }
  return codes;
}

/** Scale and zero point of codes, which always have both. */
function affineOf({ scale, zero_point }: TensorSpec): readonly [number, number] {
  return [Math.fround(scale ?? 1), zero_point ?? 0];
}
