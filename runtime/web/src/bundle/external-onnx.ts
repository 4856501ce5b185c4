/** Whether an ONNX model names files that hold its data; read by hand, before any engine or library sees it. */

type Message = "model" | "training" | "graph" | "function" | "node" | "attribute" | "sparse" | "tensor";

// Protobuf message → number of a field → the message in that field, down to every tensor that ONNX can hold.
const HOLDS: Readonly<Record<Message, Readonly<Record<number, Message>>>> = {
  model: { 7: "graph", 20: "training", 25: "function" },
  training: { 1: "graph", 2: "graph" },
  graph: { 1: "node", 5: "tensor", 15: "sparse" },
  function: { 7: "node", 11: "attribute" },
  node: { 5: "attribute" },
  attribute: { 5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse" },
  sparse: { 1: "tensor", 2: "tensor" },
  tensor: {},
};
// Of a tensor.
const EXTERNAL_DATA = 13;
const DATA_LOCATION = 14;

// Protobuf's types of fields.
const VARINT = 0;
const EIGHT = 1;
const BYTES = 2;
const FOUR = 5;
const MAX_VARINT = 10;
// Forty times those of lite-m's largest piece; without a limit, a large file of tiny fields would take minutes.
const MAX_FIELDS = 50_000;

/** Throws Error where it is no ONNX model. */
export function onnxIsExternal(model: Uint8Array): boolean {
  if (String.fromCharCode(...model.subarray(4, 8)) === "ORTM") {
    throw new Error("it is in ONNX Runtime's own format");
  }
  let at = 0;
  /** The number at a place. Above 2⁵³ it is only about right, which is far beyond any limit here. */
  const varint = (): number => {
    let value = 0;
    for (let step = 0; step < MAX_VARINT; step++) {
      if (at >= model.length) {
        throw new Error("it ends in a number");
      }
      const byte = model[at++];
      value += (byte & 0x7f) * 128 ** step;
      if (byte < 0x80) {
        return value;
      }
    }
    throw new Error("a number has no end");
  };
  const waiting: [Message, number, number][] = [["model", 0, model.length]];
  let fields = 0;
  for (let message = waiting.pop(); message; message = waiting.pop()) {
    const [kind, start, end] = message;
    at = start;
    while (at < end) {
      if (++fields > MAX_FIELDS) {
        throw new Error(`it has over ${MAX_FIELDS} fields`);
      }
      const tag = varint();
      const number = Math.floor(tag / 8);
      const wire = tag % 8;
      if (tag >= 2 ** 32) {
        throw new Error(`a field has number ${number}`);
      }
      let size = wire === EIGHT ? 8 : wire === FOUR ? 4 : 0;
      if (wire === VARINT || wire === BYTES) {
        const value = varint();
        size = wire === BYTES ? value : 0;
        if (kind === "tensor" && (wire === BYTES ? number === EXTERNAL_DATA : number === DATA_LOCATION && value > 0)) {
          return true;
        }
      } else if (!size) {
        throw new Error(`a field has type ${wire}`);
      }
      const held = HOLDS[kind][number];
      if (wire === BYTES && held) {
        waiting.push([held, at, at + size]);
      }
      at += size;
    }
    if (at !== end) {
      throw new Error("a field is longer than what it is in");
    }
  }
  return false;
}
