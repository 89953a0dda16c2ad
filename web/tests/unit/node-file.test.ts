import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { readFile } from "../../ts/platform/node";

test("a file that was read to its end has ended for whoever asks again", async () => {
  const folder = await mkdtemp(join(tmpdir(), "edgewise-file-"));
  const path = join(folder, "model.onnx");
  await writeFile(path, "bytes");
  const { length, pieces } = await readFile(path);
  assert.equal(length, 5);
  assert.equal((await pieces.read(100))?.length, 5);
  assert.equal(await pieces.read(100), undefined);
  assert.equal(await pieces.read(100), undefined);
  await rm(folder, { recursive: true });
});
