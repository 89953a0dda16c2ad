import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { sha256, startSha256 } from "../../ts/load/sha256";
import { bytes } from "./load-server";

test("the vectors of FIPS 180", () => {
  const vectors: [string, string][] = [
    ["", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
    ["abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
    [
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
    ],
    [
      "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
      "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1",
    ],
    ["a".repeat(1_000_000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"],
  ];
  for (const [text, hash] of vectors) assert.equal(sha256(text), hash);
});

test("every length around a block", () => {
  for (let length = 0; length < 200; length++) {
    const text = "x".repeat(length);
    assert.equal(sha256(text), createHash("sha256").update(text).digest("hex"), String(length));
  }
});

test("however the bytes are split, and wherever in memory they lie", () => {
  for (let round = 1; round <= 200; round++) {
    const random = bytes(20_000, round);
    const all = random.subarray(round % 7, random.length - ((random[1] ?? 0) % 100));
    const hash = startSha256();
    for (let at = 0, i = 2; at < all.length; i++) {
      const size = ((random[i] ?? 0) % 16 < 8 ? (random[i + 1] ?? 0) % 70 : (random[i + 1] ?? 0) * 20) >>> 0;
      hash.update(all.subarray(at, at + size));
      at += size;
    }
    assert.equal(hash.hex(), createHash("sha256").update(all).digest("hex"));
  }
});

test("lengths whose bits do not fit into 32 are counted", { timeout: 60_000 }, () => {
  const [ours, theirs, block] = [startSha256(), createHash("sha256"), new Uint8Array(1 << 23)];
  for (let i = 0; i < 65; i++) {
    ours.update(block);
    theirs.update(block);
  }
  assert.equal(ours.hex(), theirs.digest("hex"));
});
