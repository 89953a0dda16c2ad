// Opens every page in Chromium, does what it is for, and checks what comes of it: `node test.mjs [WORD…]` runs the tests
// whose names have one of the words.
//
// What needs a file that is not here is skipped and says so: `EDGEWISE_FACES` names the detector's model, and
// `npm run transformers` brings the library for the notes.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { choose, open, says, start } from "./tests/browser.mjs";
import { writeEmbedding } from "./tests/embedding.mjs";

const HERE = dirname(fileURLToPath(import.meta.url));
const FACES = process.env.EDGEWISE_FACES;
const made = mkdtempSync(join(tmpdir(), "edgewise-example-"));

const TESTS = {
    "the playground says what a model is, runs it, profiles it and compares devices": async ({ page }) => {
        await says(page, "#facts", /Integers/);
        await says(page, "#operators", /QLinearConv/);
        await page.locator("[data-size=N]").fill("3");
        await page.click("#run:enabled");
        await says(page, "#outputs", /float32 \[3, 10\]/);
        assert.match(await says(page, "#times", /Median/), /\d (ms|µs)/);
        await page.click("#profile:enabled");
        await says(page, "#chart", /QLinearConv/);
        await page.click("#compare:enabled");
        await page.locator("#compare:enabled").waitFor({ timeout: 60_000 });
        const rows = await page.locator("#devices tbody tr").allTextContents();
        assert.equal(rows.length, 4);
        // Integer models give the same bits everywhere.
        for (const row of rows.slice(1)) assert.match(row, /ms0$/, row);
    },

    "the playground shows the code of what goes wrong, and the next model loads": async ({ page }) => {
        await says(page, "#stage", /Loaded/);
        const file = join(made, "broken.onnx");
        writeFileSync(file, "no model at all");
        await page.setInputFiles("#files", file);
        await says(page, "#error code", /^invalid-model$/);
        await page.selectOption("#shipped", "models/digits_fp32.onnx");
        await says(page, "#facts", /Floats/);
        assert.equal(await page.locator("#error").isVisible(), false);
    },

    "the playground takes inputs as they are written, and refuses what is no number": async ({ page }) => {
        await says(page, "#stage", /Loaded/);
        await page.selectOption("[data-kind=image]", "given");
        await page.click("#run:enabled");
        await says(page, "#error", /at least one element/);
        await page.locator("[data-written=image]").fill("0, 0.5 1");
        await page.click("#run:enabled");
        await says(page, "#outputs", /float32 \[1, 10\]/);
    },

    "loading can be cancelled, and begun again": async ({ page }) => {
        await says(page, "#stage", /Loaded/);
        let answer;
        await page.route("**/digits_fp32.onnx", (route) => (answer = route));
        await page.selectOption("#shipped", "models/digits_fp32.onnx");
        await page.click("#cancel:enabled");
        await says(page, "#stage", /Cancelled/);
        assert.equal(await page.locator("#error").isVisible(), false);
        await answer?.abort().catch(() => {});
        await page.unroute("**/digits_fp32.onnx");
        await page.click("#load");
        await says(page, "#facts", /Floats/);
    },

    "runs can be cancelled, and begun again": async ({ page }) => {
        await says(page, "#stage", /Loaded/);
        await page.fill("#count", "1000");
        await page.click("#run:enabled");
        await says(page, "#stage", /of 1000 runs/);
        await page.click("#cancel:enabled");
        await says(page, "#stage", /Cancelled/);
        await page.fill("#count", "2");
        await page.click("#run:enabled");
        await says(page, "#outputs", /float32/);
    },

    "without a GPU the playground says so, and compares the rest": async ({ page }) => {
        await page.addInitScript(() =>
            Object.defineProperty(Navigator.prototype, "gpu", { value: undefined }),
        );
        await page.reload();
        await says(page, "#stage", /Loaded/);
        await page.locator("#place option[value=gpu]:disabled").waitFor({ state: "attached" });
        await page.click("#compare:enabled");
        await says(page, "#devices", /GPU, in a worker/);
        const rows = await page.locator("#devices tbody tr").allTextContents();
        assert.match(rows[1], /ms0$/);
        assert.match(rows[2], /unsupported: /);
    },

    "digits are read on the CPU, on the GPU and in a worker": async ({ page }) => {
        for (const place of ["cpu", "gpu", "worker"]) {
            await choose(page, place);
            for (const digit of [3, 8, 1]) {
                await page.getByRole("button", { name: `Draw a ${digit}` }).click();
                await says(page, "#answer", new RegExp(`^${digit}$`));
            }
        }
    },

    "digits drawn by a pointer are read": async ({ page }) => {
        await says(page, "#scores", /0.0 %/);
        const { x, y, width } = await page.locator("#pad").boundingBox();
        const to = (px, py) => page.mouse.move(x + px * width, y + py * width, { steps: 8 });
        await to(0.36, 0.33);
        await page.mouse.down();
        await to(0.5, 0.15);
        await to(0.5, 0.85);
        await page.mouse.up();
        await says(page, "#answer", /^1$/);
        await page.click("#clear");
        await says(page, "#answer", /nothing yet/);
    },

    "faces are found in the drawn scene, and the model is kept": async ({ page }) => {
        if (!FACES) return "EDGEWISE_FACES names no model";
        await page.setInputFiles("#files", FACES);
        await says(page, "#found", /^2 faces$/);
        await choose(page, "cpu");
        await says(page, "#found", /^2 faces$/);
        await page.reload();
        await says(page, "#found", /^2 faces$/);
        const view = await page.locator("#view").evaluate((canvas) => canvas.toDataURL().split(",")[1]);
        const picture = { name: "faces.png", mimeType: "image/png", buffer: Buffer.from(view, "base64") };
        await choose(page, "file");
        await page.setInputFiles("#media", picture);
        await says(page, "#found", /^2 faces$/);
        await choose(page, "camera");
        await says(page, "#found", /^0 faces$/);
    },

    "another model than the detector is refused by what it lacks": async ({ page }) => {
        await page.setInputFiles("#files", join(HERE, "../../models/zoo/digits/digits_int8.onnx"));
        await says(page, "#error", /not the detector: expected the outputs scores/);
    },

    "notes are found by what they mean, with a model from a folder": async ({ page }) => {
        if (!existsSync(join(HERE, "vendor"))) return "transformers.js is not here";
        const folder = join(made, "embedding");
        writeEmbedding(folder);
        await page.setInputFiles("#folder", folder);
        await page.click("#ask:enabled");
        assert.match(await says(page, "#found li:first-child", /Dentist/), /99.9 %/);
        await page.fill("#query", "recipe");
        await page.click("#ask");
        await says(page, "#found li:first-child", /soup/);
    },

    "the application opens and runs without a network": async ({ page, context }) => {
        await says(page, "#stage", /Loaded/);
        await page.locator("html[data-kept]").waitFor({ state: "attached" });
        await context.setOffline(true);
        await page.reload();
        await page.click("#run:enabled");
        await says(page, "#outputs", /float32 \[1, 10\]/);
        await page.click("nav >> text=Digits");
        await page.getByRole("button", { name: "Draw a 3" }).click();
        await says(page, "#answer", /^3$/);
        await choose(page, "worker");
        await page.getByRole("button", { name: "Draw a 8" }).click();
        await says(page, "#answer", /^8$/);
        await page.click("nav >> text=Faces");
        await says(page, "#found", /No model yet/);
    },
};

const PAGES = { digits: "digits.html", faces: "faces.html", detector: "faces.html", notes: "search.html" };
const pageOf = (name) => Object.entries(PAGES).find(([word]) => name.includes(word))?.[1] ?? "";

const words = process.argv.slice(2);
const chosen = Object.entries(TESTS).filter(
    ([name]) => words.length === 0 || words.some((w) => name.includes(w)),
);
const running = await start();
const counts = { ok: 0, skipped: 0, FAILED: 0 };
for (const [name, test] of chosen) {
    const opened = await open(running, pageOf(name));
    const began = performance.now();
    const tell = (how, why) => {
        counts[how]++;
        const took = ((performance.now() - began) / 1e3).toFixed(2);
        console.log(`${how.padEnd(7)} ${name} (${took} s)${why ? `\n        ${why}` : ""}`);
    };
    try {
        const skipped = await test(opened);
        tell(skipped ? "skipped" : "ok", skipped);
    } catch (error) {
        tell("FAILED", [error.stack, ...opened.told].join("\n").replaceAll("\n", "\n        "));
    }
    await opened.context.close();
}
await running.end();
rmSync(made, { recursive: true });
console.log(`\n${counts.ok} passed, ${counts.skipped} skipped, ${counts.FAILED} failed`);
process.exitCode = counts.FAILED > 0 ? 1 : 0;
