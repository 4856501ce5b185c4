/** Why no further stage runs, with an engine and a clock that do as they are told. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Piece } from "../../src/bundle/manifest.js";
import type { Picture } from "../../src/pixels/picture.js";
import { fakeEngine, zeros } from "../support/fakes.js";
import { tiny } from "../support/tiny.js";

const bundle = await tiny();
const grey: Picture = { data: new Uint8Array(64 * 64 * 3).fill(128), width: 64, height: 64, channels: 3 };

/** Heatmaps of 16 × 16 cells with a clear peak in this column, all of them. */
function peaksAt(piece: Piece, column: number) {
  const outputs = zeros(piece);
  for (const [name, codes] of Object.entries(outputs)) {
    if (name.startsWith("heatmap")) {
      codes.fill(-128);
      for (let map = 0; map < 25; map++) {
        codes[map * 256 + 8 * 16 + column] = 100;
      }
    }
  }
  return outputs;
}

test("landmarks that stand still end it, but for the last stage that was asked for", async () => {
  let columns = [4, 4, 4];
  const engine = fakeEngine({ run: async (piece) => peaksAt(piece, columns[Number(piece.name.slice(-1)) - 1] ?? 0) });
  const session = await bundle.session({ engine });
  const ended = async (options: Parameters<typeof session.detect>[1]) => {
    const { stagesRun, stopReason } = await session.detect(grey, options);
    return [stagesRun, stopReason];
  };
  assert.deepEqual(await ended({ convergePx: 0 }), [2, "converged"]);
  assert.deepEqual(await ended({ convergePx: 0, stages: 2 }), [2, "stage limit"]);
  assert.deepEqual(await ended({}), [3, "all stages"]);
  columns = [4, 5, 6]; // four pixels of the input each
  assert.deepEqual(await ended({ convergePx: 3.9 }), [3, "all stages"]);
  assert.deepEqual(await ended({ convergePx: 4 }), [2, "converged"]);
});

test("what the first run took, which pays for allocations, is forgotten", async () => {
  let now = 0;
  let runs = 0;
  const engine = fakeEngine({
    async run() {
      now += runs++ < 4 ? 1000 : 10;
      return undefined;
    },
  });
  const session = await bundle.session({ engine, clock: () => now });
  assert.equal((await session.detect(grey, { deadlineMs: 40 })).stagesRun, 3);
  assert.deepEqual((await session.detect(grey, { deadlineMs: 39 })).stagesRun, 2);
});

test("a second look that sees less does not answer, and its time counts", async () => {
  let now = 0;
  let height = 100;
  const engine = fakeEngine({
    async run(piece) {
      now += 125; // whole in seconds as well
      const outputs = zeros(piece);
      outputs[`heatmap_${piece.name.slice(-1)}`]?.forEach((_, cell, codes) => {
        // The first three landmarks lie apart, in the middle of the map.
        codes[cell] = [5 * 16 + 6, 256 + 9 * 16 + 9, 512 + 6 * 16 + 8].includes(cell) ? height : -128;
      });
      height = height === 100 ? 90 : 100;
      return outputs;
    },
  });
  const session = await bundle.session({ engine, stages: 1, clock: () => now });
  const wide = { data: new Uint8Array(640 * 640 * 3), width: 640, height: 640, channels: 3 } as const;
  const less = await session.detect(wide, { looks: 2, category: "any" });
  assert.deepEqual([less.looks, less.timings.pieces, less.timings.totalMs], [1, { stage_1: 250 }, 250]);
  height = 90;
  const more = await session.detect(wide, { looks: 2, category: "any" });
  assert.deepEqual([more.looks, more.timings.pieces, more.timings.totalMs], [2, { stage_1: 250 }, 250]);
  height = 100;
  const late = await session.detect(wide, { looks: 2, category: "any", deadlineMs: 249 });
  assert.deepEqual([late.looks, late.timings.totalMs], [1, 125]);
});
