import assert from "node:assert/strict";
import { test } from "node:test";

import { flipConsistency, stageMovement } from "../../src/drift/proxies.js";
import type { Picture } from "../../src/pixels/picture.js";
import { unpairedSides } from "../../src/pixels/sides.js";
import { FakeSession, MANIFEST, PICTURE } from "./fakes.js";

/** Finds the reddest, the greenest and the bluest pixel, `lean` pixels to the right of where they are. */
class Colours extends FakeSession {
  lean = 0;
  override readonly schema = { ...MANIFEST.landmarks, landmarks: ["a", "b", "c"], flip: [1, 0, 2] } as never;

  override async detect(image: never, options = {}) {
    const { data, width, channels } = image as Picture;
    const landmarks = [0, 1, 2].flatMap((channel) => {
      const values = data.filter((_, at) => at % channels === channel);
      const at = values.indexOf(Math.max(...values));
      return [(at % width) + this.lean, Math.floor(at / width)];
    });
    return { ...(await super.detect(image, options)), landmarks: Float32Array.from(landmarks) };
  }
}

/** Red left, green right and blue below; `channels` a pixel. */
function picture(channels: 3 | 4): Picture {
  const [width, height] = [20, 10];
  const data = new Uint8Array(width * height * channels);
  for (const [channel, x, y] of [
    [0, 4, 3],
    [1, 15, 3],
    [2, 9, 8],
  ]) {
    data[(y * width + x) * channels + channel] = 255;
  }
  return { data, width, height, channels };
}

test("what finds the same in the mirror image is consistent, what leans to a side is not", async () => {
  const session = new Colours();
  // In the mirror image red is where green was, as `flip` has it only if colours swapped too: so they are told apart.
  Object.assign(session.schema, { flip: [0, 1, 2] });
  for (const channels of [3, 4] as const) {
    session.lean = 0;
    assert.equal(await flipConsistency(session, picture(channels)), 0);
    session.lean = 1;
    assert.ok(Math.abs((await flipConsistency(session, picture(channels)))! - 2 / 20) < 1e-7);
  }
  assert.deepEqual(session.asked.at(-1), { kind: "detect", category: undefined });
  session.labelled = [false, false, false];
  assert.equal(await flipConsistency(session, picture(3), "all"), null);
});

test("landmarks that are sides of one another change places", async () => {
  const session = new Colours();
  assert.ok((await flipConsistency(session, picture(3)))! > 0.3);
});

test("where sides are unpaired nothing says what the mirror image is", async () => {
  const session = new Colours();
  Object.assign(session.schema, { landmarks: ["cuff_left", "cuff_right", "hem"], flip: [0, 1, 2] });
  assert.equal(await flipConsistency(session, picture(3)), null);
  assert.deepEqual(unpairedSides(["LCuff", "RCuff", "hem"], [0, 1, 2]), [["LCuff", "RCuff"]]);
  assert.deepEqual(unpairedSides(["LCuff", "RCuff", "hem"], [1, 0, 2]), []);
  assert.deepEqual(unpairedSides(["leftTop", "rightTop", "left2"], [0, 1, 2]), [["leftTop", "rightTop"]]);
});

test("movement is between the last two stages, over the landmarks that count", async () => {
  const session = new FakeSession();
  const trace = await session.trace(PICTURE);
  const moved = trace.landmarks[1].map((place, i) => place + (i === 0 ? 6.4 : i === 5 ? 64 : 0));
  const both = { ...trace, landmarks: [new Float32Array(6), trace.landmarks[0], moved] };
  assert.ok(Math.abs(stageMovement(both)! - (0.1 + 0 + 1) / 3) < 1e-6);
  const labelled = { ...both, detection: { ...trace.detection, labelled: [true, true, false] } };
  assert.ok(Math.abs(stageMovement(labelled)! - 0.05) < 1e-6);
  assert.equal(stageMovement({ ...labelled, landmarks: [moved] }), null);
  assert.equal(stageMovement({ ...both, detection: { ...trace.detection, labelled: [false, false, false] } }), null);
});
