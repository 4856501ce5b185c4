/**
 * Whether ONNX Runtime's products of uint8 and int8 are exact on this processor.
 *
 * On x86 without VNNI its kernels add two products in 16 bits, which overflow and are cut off there (decision 0016).
 * Which processors do so, and in which versions, is in no API: so it is asked to multiply.
 */

import type { OrtModule, OrtSession } from "./onnxruntime.js";

const MODEL =
  '\b\b:^\n\x1a\n\x01a\n\x01b\x12\x01y"\rMatMulInteger:\x00\x12\x01pZ\x13\n\x01a\x12\x0e\n\x0c\b\x02' +
  "\x12\b\n\x02\b\x04\n\x02\b@Z\x13\n\x01b\x12\x0e\n\x0c\b\x03\x12\b\n\x02\b@\n\x02\b\x10b\x13\n\x01y" +
  "\x12\x0e\n\x0c\b\x06\x12\b\n\x02\b\x04\n\x02\b\x10B\x04\n\x00\x10\x11";

/** y = MatMulInteger(a, b) with a (4, 64) uint8 and b (64, 16) int8, opset 17; a test makes it again. */
export function probe(): Uint8Array {
  return Uint8Array.from(MODEL, (letter) => letter.charCodeAt(0));
}

/** Whether 255 · 127, summed 64 times, comes out as nothing else. The session, of `probe`, is released. */
export async function probed(ort: OrtModule, session: OrtSession): Promise<boolean> {
  const a = new ort.Tensor("uint8" as never, new Uint8Array(4 * 64).fill(255) as never, [4, 64]);
  const b = new ort.Tensor("int8" as never, new Int8Array(64 * 16).fill(127) as never, [64, 16]);
  const { y } = await session.run({ a, b }, ["y"]);
  await session.release();
  return (y!.data as Int32Array).every((sum) => sum === 64 * 255 * 127);
}
