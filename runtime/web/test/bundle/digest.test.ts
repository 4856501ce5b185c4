import assert from "node:assert/strict";
import { test } from "node:test";
import { BundleContents } from "../../src/bundle/contents.js";
import { sha256 } from "../../src/bundle/digest.js";
import { MissingExtraError } from "../../src/errors.js";
import { small, utf8 } from "./given.js";

test("of the empty text and of abc", async () => {
  assert.equal(await sha256(utf8("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  assert.equal(await sha256(utf8("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
});

test("a page that is not secure says so, and opens nothing", async (t) => {
  t.mock.getter(crypto, "subtle", () => undefined);
  await assert.rejects(
    BundleContents.open(small(), "it"),
    (error) => error instanceof MissingExtraError && /serve the page over https or from localhost/.test(error.message),
  );
});
