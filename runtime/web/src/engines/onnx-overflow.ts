/**
 * Whether ONNX Runtime's products of uint8 and int8 are exact on this processor.
 *
 * On x86 without VNNI its kernels add two products in 16 bits, which overflow and are cut off there (decision 0016).
 * Which processors do so, and in which versions, is in no API: so it is asked to multiply.
 */

import type { OrtModule, OrtSession } from "./onnxruntime.js";

const MODEL =
  "08083a5e0a1a0a01610a0162120179220d4d61744d756c496e74656765723a001201705a130a0161120e0a0c08021208" +
  "0a0208040a0208405a130a0162120e0a0c080312080a0208400a02081062130a0179120e0a0c080612080a0208040a02" +
  "081042040a001011";

/** y = MatMulInteger(a, b) with a (4, 64) uint8 and b (64, 16) int8, opset 17; a test makes it again. */
export function probe(): Uint8Array {
  return Uint8Array.from(MODEL.match(/../g)!, (code) => Number.parseInt(code, 16));
}

/** Whether 255 · 127, summed 64 times, comes out as nothing else. The session, of `probe`, is released. */
export async function probed(ort: OrtModule, session: OrtSession): Promise<boolean> {
  const a = new ort.Tensor("uint8" as never, new Uint8Array(4 * 64).fill(255) as never, [4, 64]);
  const b = new ort.Tensor("int8" as never, new Int8Array(64 * 16).fill(127) as never, [64, 16]);
  const { y } = await session.run({ a, b }, ["y"]);
  await session.release();
  return (y!.data as Int32Array).every((sum) => sum === 64 * 255 * 127);
}
