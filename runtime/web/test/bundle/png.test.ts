import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32 } from "../../src/bundle/crc32.js";
import { sha256 } from "../../src/bundle/digest.js";
import { decodePng } from "../../src/bundle/png.js";
import { unpacked, utf8, VECTORS } from "./given.js";

const SIZE = [5, 7] as const;
const GOOD = unpacked(VECTORS.pictures.find(([name]) => name === "noise")![1]);

for (const [name, content, digest] of VECTORS.pictures) {
  test(`${name}: ${digest ? "the pixels are Pillow's" : "refused"}`, async () => {
    if (digest) {
      assert.equal(await sha256((await decodePng(unpacked(content), ...SIZE)) as Uint8Array<ArrayBuffer>), digest);
    } else {
      await assert.rejects(decodePng(unpacked(content), ...SIZE), /./);
    }
  });
}

function chunk(kind: string, data: Uint8Array): Uint8Array {
  const view = new DataView(new ArrayBuffer(12 + data.length));
  const whole = new Uint8Array(view.buffer);
  view.setUint32(0, data.length);
  whole.set(utf8(kind), 4);
  whole.set(data, 8);
  view.setUint32(8 + data.length, crc32(whole.subarray(4, 8 + data.length)));
  return whole;
}

async function deflated(data: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const stream = new Blob([data]).stream().pipeThrough(new CompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** The start and the header of the good picture, these chunks, and its end. */
async function png(...chunks: Uint8Array[]): Promise<Uint8Array> {
  const parts = [GOOD.subarray(0, 33), ...chunks, GOOD.subarray(-12)] as Uint8Array<ArrayBuffer>[];
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

test("every change of a byte is found", async () => {
  for (let at = 0; at < GOOD.length; at++) {
    const changed = GOOD.slice();
    changed[at] ^= 1 << (at % 8);
    await assert.rejects(decodePng(changed, ...SIZE));
  }
});

test("every truncation is found, and it may be followed by anything", async () => {
  for (let size = 0; size < GOOD.length; size++) {
    await assert.rejects(decodePng(GOOD.subarray(0, size), ...SIZE));
  }
  await decodePng(Uint8Array.from([...GOOD, 1, 2, 3]), ...SIZE);
});

test("its size is that which is asked for, and nothing is made before", async () => {
  await assert.rejects(decodePng(GOOD, 7, 5), /its header says 5,7,8,2,0,0,0; expected 7,5,8,2,0,0,0/);
  const claims = GOOD.slice();
  new DataView(claims.buffer).setUint32(16, 2 ** 31 - 1);
  claims.set(chunk("IHDR", claims.subarray(16, 29)), 8);
  await assert.rejects(decodePng(claims, ...SIZE), /its header says 2147483647,7,8/);
  await assert.rejects(decodePng(claims, 2 ** 31 - 1, 7), /fewer than the 45097156594 bytes/);
});

test("what unpacks to more than its pixels is stopped", async () => {
  const size = 7 * 16;
  for (const [bytes, message] of [
    [size - 1, /fewer than the 112 bytes/],
    [size + 1, /more than the 112 bytes/],
    [64 * 2 ** 20, /more than the 112 bytes/],
  ] as const) {
    await assert.rejects(decodePng(await png(chunk("IDAT", await deflated(new Uint8Array(bytes)))), ...SIZE), message);
  }
  assert.ok(
    (await decodePng(await png(chunk("IDAT", await deflated(new Uint8Array(size)))), ...SIZE)).every(
      (byte) => byte === 0,
    ),
  );
});

test("of what unpacks to too much, no more is unpacked", async (t) => {
  let given = 0;
  class Endless extends TransformStream<Uint8Array, Uint8Array> {
    constructor() {
      super({
        transform(chunk, controller) {
          given += chunk.length;
          controller.enqueue(new Uint8Array(100));
        },
      });
    }
  }
  const real = globalThis.DecompressionStream;
  t.after(() => {
    globalThis.DecompressionStream = real;
  });
  globalThis.DecompressionStream = Endless as unknown as typeof real;
  const data = chunk("IDAT", new Uint8Array(2 ** 20));
  await assert.rejects(decodePng(await png(data), ...SIZE), /more than the 112 bytes/);
  assert.ok(given > 0 && given <= 2 ** 15, `${given}`);
});

test("chunks that a plain picture does not have", async () => {
  const data = chunk("IDAT", await deflated(new Uint8Array(112)));
  const half = data.subarray(8, -4);
  for (const [chunks, message] of [
    [[chunk("zTXt", new Uint8Array(3)), data], /3 bytes of zTXt, unlike a plain picture/],
    [[chunk("iCCP", new Uint8Array(3)), data], /iCCP/],
    [[chunk("acTL", new Uint8Array(8)), data], /acTL/],
    [[chunk("ABCD", new Uint8Array(3)), data], /ABCD/],
    [[chunk("tEXt", new Uint8Array(2 ** 20 + 1)), data], /1048577 bytes of tEXt/],
    [[chunk("IHDR", GOOD.subarray(16, 29)), data], /one header/],
    [[chunk("IDAT", half.subarray(0, 5)), chunk("tEXt", utf8("a")), chunk("IDAT", half.subarray(5))], /in two places/],
    [Array(2 ** 16).fill(chunk("IDAT", utf8(""))), /in too many parts/],
    [[], /.*/],
  ] as const) {
    await assert.rejects(decodePng(await png(...chunks), ...SIZE), message);
  }
  await decodePng(
    await png(chunk("tEXt", utf8("a")), chunk("PLTE", new Uint8Array(3)), data, chunk("tIME", utf8("b"))),
    ...SIZE,
  );
});
