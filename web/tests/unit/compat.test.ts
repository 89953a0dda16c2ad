import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { members } from "../compat/members";
import { page } from "../compat/render";
import { TABLE } from "../compat/table";

const WEB = process.env["EDGEWISE_WEB"] ?? ".";
const declared = members(join(WEB, "node_modules/onnxruntime-common/dist/esm"));
const rows = TABLE.flatMap(({ rows }) => rows);
const listed = rows.filter(({ state }) => state !== "own").flatMap(({ members }) => members);

const covers = (name: string, member: string): boolean =>
  name === member || (name.endsWith(".*") && member.startsWith(name.slice(0, -1)));

test("every member that onnxruntime-common declares is in the table", () => {
  assert.ok(declared.size > 200, `only ${declared.size} members were read`);
  const missing = [...declared].filter((member) => !listed.some((name) => covers(name, member)));
  assert.deepEqual(missing, [], "add them to tests/compat/table");
});

test("the table has nothing that onnxruntime-common does not declare", () => {
  const odd = listed.filter((name) => ![...declared].some((member) => covers(name, member)));
  assert.deepEqual(odd, []);
});

test("no member has two states", () => {
  const twice = listed.filter((name, i) => listed.indexOf(name) !== i);
  assert.deepEqual(twice, []);
});

test("the page of compatibility is what the table makes of it", () => {
  const kept = readFileSync(join(WEB, "../docs/compatibility.md"), "utf8");
  assert.equal(kept, page(), "it is stale; renew it with: node tests/compat/page.mjs");
});
