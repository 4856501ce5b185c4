/**
 * Whether a model has all its data in itself.
 *
 * An ONNX tensor may name a file that holds its values, and a TFLite model files for its buffers. A digest says nothing
 * about those files, and an engine may read or fetch them. Hence models with such names never get as far as an engine.
 */

import { BundleError } from "../errors.js";
import { onnxIsExternal } from "./external-onnx.js";

// Of a TFLite model: its external buffer groups and external buffers.
const SLOTS = [8, 9].map((field) => 4 + 2 * field);

/**
 * Check a member that is a model; others pass.
 *
 * @throws BundleError it names files that hold its data, or is not of its format.
 */
export function refuseExternalData(member: string, model: Uint8Array): void {
  let external = false;
  if (member.endsWith(".onnx")) {
    try {
      external = onnxIsExternal(model);
    } catch (error) {
      const why = error instanceof Error ? error.message : error;
      throw new BundleError(`${member} is not an ONNX model: ${why}; make the bundle again`, { cause: error });
    }
  } else if (member.endsWith(".tflite")) {
    external = tfliteIsExternal(model);
  }
  if (external) {
    throw new BundleError(
      `${member} has data in other files; a bundle's models hold their own; convert the model again`,
    );
  }
}

/** Whether a flatbuffer's root has either list. What is no flatbuffer is the engine's to refuse. */
function tfliteIsExternal(model: Uint8Array): boolean {
  const view = new DataView(model.buffer, model.byteOffset, model.length);
  // The Python runtime counts places below 0 from the end; so that both judge alike, so does this.
  const wrapped = (at: number): number => (at < 0 ? at + model.length : at);
  try {
    const root = view.getUint32(0, true);
    const table = root - view.getInt32(root, true);
    const size = view.getUint16(wrapped(table), true);
    return SLOTS.some((slot) => slot + 2 <= size && view.getUint16(wrapped(table + slot), true) !== 0);
  } catch (error) {
    if (error instanceof RangeError) {
      return false;
    }
    throw error;
  }
}
