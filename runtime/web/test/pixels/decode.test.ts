import assert from "node:assert/strict";
import { test } from "node:test";
import { DataError, UsageError } from "../../src/errors.js";
import { type HeatmapOptions, readHeatmaps } from "../../src/pixels/decode.js";
import type { HeatmapData } from "../../src/pixels/heatmap.js";
import { VECTORS } from "../support/pictures.js";

const TYPES = { int8: Int8Array, uint8: Uint8Array, int16: Int16Array, float32: Float32Array };
const CODES = { scale: 1 / 255, zeroPoint: -128 };
const REAL = { scale: null, zeroPoint: null };
const HEIGHT = 24;
const WIDTH = 32;

for (const known of VECTORS.heatmaps) {
  const { dtype, layout, size, landmarks, scale, zeroPoint } = known;
  test(`${landmarks} maps of ${size.join(" × ")} cells, ${dtype} ${layout}, are read as by the Python runtime`, () => {
    const bytes = Uint8Array.from(Buffer.from(known.maps, "base64"));
    const maps = new TYPES[dtype](bytes.buffer);
    const options = { layout, height: size[0], width: size[1], landmarks, scale, zeroPoint };
    const reading = readHeatmaps(maps, options);
    known.cells.forEach((cell, i) => {
      assert.ok(Math.abs(reading.cells[i] - cell) <= 1e-4, `landmark ${i >> 1}: ${reading.cells[i]}, not ${cell}`);
    });
    assert.deepEqual([...reading.scores], known.scores);
    assert.deepEqual([...reading.doubts], known.doubts);
    assert.deepEqual(readHeatmaps(maps, options), reading, "a second time");
  });
}

/** One map, channels first; the background would win every maximum. */
function read(map: readonly number[], kind: keyof typeof TYPES = "int8", quantization: object = CODES) {
  const maps: HeatmapData = new TYPES[kind](2 * map.length).fill(127);
  maps.set(map);
  const sizes = { layout: "NCHW", height: HEIGHT, width: WIDTH, landmarks: 1 } as const;
  const reading = readHeatmaps(maps, { ...sizes, ...(quantization as typeof CODES) });
  return { x: reading.cells[0], y: reading.cells[1], score: reading.scores[0], doubt: reading.doubts.get(0) };
}

/** A map of HEIGHT × WIDTH numbers. */
function map(number: (x: number, y: number) => number): number[] {
  return Array.from({ length: HEIGHT * WIDTH }, (_, cell) => number(cell % WIDTH, Math.floor(cell / WIDTH)));
}

const within = (value: number, low: number, high: number) => value >= low && value < high;

test("a Gaussian between the cells is found in every type", () => {
  const [x, y] = [10.3, 14.8];
  const value = map((column, row) => 0.9 * Math.exp(-((column - x) ** 2 + (row - y) ** 2) / 2.88));
  const kinds: [keyof typeof TYPES, object, number[]][] = [
    ["float32", REAL, value],
    ["int8", CODES, value.map((v) => Math.round(v * 255) - 128)],
    ["uint8", { scale: 1 / 255, zeroPoint: 0 }, value.map((v) => Math.round(v * 255))],
    ["int16", { scale: 1 / 32767, zeroPoint: 0 }, value.map((v) => Math.round(v * 32767))],
  ];
  for (const [kind, quantization, numbers] of kinds) {
    const found = read(numbers, kind, quantization);
    assert.ok(Math.hypot(found.x - x, found.y - y) < 0.05, `${kind}: ${found.x}, ${found.y}`);
    assert.ok(Math.abs(found.score - Math.max(...value)) < 0.51 / 255);
  }
});

test("uint8 codes are read as the int8 codes 128 below", () => {
  const numbers = map((x, y) => ((x * 37 + y * 101) % 256) - 128);
  const signed = read(numbers);
  const unsigned = read(
    numbers.map((code) => code + 128),
    "uint8",
    { scale: 1 / 255, zeroPoint: 0 },
  );
  assert.deepEqual(unsigned, signed);
});

test("two tied neighbours meet in the middle", () => {
  const found = read(
    map((x, y) => (y === 10 && within(x, 10, 12) ? 20 : within(x, 9, 13) && within(y, 9, 12) ? -60 : -128)),
  );
  assert.ok(Math.abs(found.x - 10.5) < 1e-6 && Math.abs(found.y - 10) < 1e-6);
});

test("of tied peaks far apart the one with more around it wins, else the first", () => {
  const spikes = (around: number) =>
    read(
      map((x, y) =>
        (x === 3 && y === 3) || (x === 21 && y === 15) ? 90 : within(x, 19, 24) && within(y, 13, 18) ? around : -128,
      ),
    );
  const heavy = spikes(-20);
  assert.ok(Math.abs(heavy.x - 21) < 1e-6 && Math.abs(heavy.y - 15) < 1e-6);
  assert.deepEqual([spikes(-128).x, spikes(-128).y], [3, 3]);
});

test("a plateau wider than the window is one peak, in doubt where it is cut off", () => {
  for (const [side, doubt] of [
    [1, undefined],
    [5, undefined],
    [6, "saturated"],
    [12, "saturated"],
  ] as const) {
    const found = read(
      map((x, y) => (within(x, 3, 3 + side) && within(y, 2, 2 + side) ? 127 : -100)),
      "int8",
      { scale: 0.003, zeroPoint: -128 },
    );
    assert.equal(found.doubt, doubt);
    assert.equal(found.score, doubt ? 0 : Math.fround(0.003 * 255));
    if (doubt) {
      assert.deepEqual([found.x, found.y], [3 + (side - 1) / 2, 2 + (side - 1) / 2]);
    }
  }
  const low = read(
    map((x, y) => (within(x, 3, 13) && within(y, 3, 13) ? 0.4 : 0)),
    "float32",
    REAL,
  );
  assert.deepEqual([low.score, low.doubt], [Math.fround(0.4), undefined]);
});

test("a map that is the same everywhere is flat, in the centre", () => {
  for (const code of [-128, 0, 127]) {
    const found = read(map(() => code));
    assert.deepEqual(found, { x: (WIDTH - 1) / 2, y: (HEIGHT - 1) / 2, score: 0, doubt: "flat" });
  }
});

test("one value that is not finite is enough", () => {
  for (const bad of [NaN, Infinity, -Infinity]) {
    const found = read(
      map((x, y) => (x === 0 && y === 0 ? bad : Math.exp(-((x - 5) ** 2 + (y - 6) ** 2)))),
      "float32",
      REAL,
    );
    assert.deepEqual(found, { x: (WIDTH - 1) / 2, y: (HEIGHT - 1) / 2, score: 0, doubt: "not finite" });
  }
});

test("no answer leaves the map", () => {
  const options: HeatmapOptions = { layout: "NHWC", height: 6, width: 5, landmarks: 3, scale: 0.01, zeroPoint: -20 };
  let seed = 1;
  for (let round = 0; round < 50; round++) {
    const maps = Int8Array.from({ length: 120 }, () => {
      seed = (Math.imul(seed, 1103515245) + 12345) | 0;
      return seed >> 24;
    });
    readHeatmaps(maps, options).cells.forEach((cell, i) => {
      assert.ok(cell >= -0.5 && cell <= (i % 2 ? 5.5 : 4.5));
    });
  }
});

test("arguments that do not fit are refused", () => {
  const options: HeatmapOptions = { layout: "NHWC", height: 4, width: 5, landmarks: 2, ...CODES };
  const maps = new Int8Array(60);
  assert.ok(readHeatmaps(maps, options));
  assert.throws(() => readHeatmaps(maps, { ...options, scale: null }), /Int8Array heatmaps need scale and zeroPoint/);
  assert.throws(() => readHeatmaps(maps, { ...options, zeroPoint: null }), UsageError);
  assert.throws(() => readHeatmaps(new Float32Array(60), options), /have no scale/);
  assert.throws(() => readHeatmaps(maps, { ...options, layout: "HWC" as "NHWC" }), /HWC/);
  assert.throws(
    () => readHeatmaps(maps, { ...options, landmarks: 3 }),
    /60 numbers; expected 4 × 5 cells of 4 channels/,
  );
  assert.throws(() => readHeatmaps(new Int8Array(0), { ...options, height: 0 }), DataError);
  assert.throws(() => readHeatmaps(new Int32Array(60) as unknown as Int8Array, options), /heatmaps are Int32Array/);
});
