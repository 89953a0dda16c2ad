// Takes a picture of each page, for the README: `npm run screenshots`.
//
// `EDGEWISE_FACES` names the detector's model; without it, and without transformers.js, those two pictures stay as they
// are.
import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { choose, open, says, start } from "../tests/browser.mjs";
import { writeEmbedding } from "../tests/embedding.mjs";

const HERE = join(dirname(fileURLToPath(import.meta.url)), "..");
const MOST_BYTES = 150_000;
const FACES = process.env.EDGEWISE_FACES;

const made = mkdtempSync(join(tmpdir(), "edgewise-example-"));
const running = await start();

const take = async (name, path, options, act) => {
    const viewport = { width: 1100, height: 760 };
    const { context, page } = await open(running, path, { viewport, ...options });
    await act(page);
    // The pointer leaves, and nothing has the focus.
    await page.mouse.move(0, 0);
    await page.evaluate(() => document.activeElement?.blur());
    const file = join(HERE, "screenshots", `${name}.png`);
    await page.screenshot({ path: file });
    await context.close();
    const { size } = statSync(file);
    console.log(`${name}.png ${(size / 1e3).toFixed(0)} KB`);
    if (size > MOST_BYTES) throw new Error(`${name}.png has more than ${MOST_BYTES} bytes`);
};

const played = async (page) => {
    await page.click("#run:enabled");
    await says(page, "#outputs", /float32/);
};

await take("playground", "", { viewport: { width: 1100, height: 1290 } }, async (page) => {
    await played(page);
    await page.evaluate(() => scrollTo(0, 0));
});

await take("profile", "", { viewport: { width: 1100, height: 620 } }, async (page) => {
    await played(page);
    await page.click("#profile:enabled");
    await says(page, "#chart", /QLinearConv/);
    await page.click("#compare:enabled");
    await page.locator("#compare:enabled").waitFor();
    await page.locator("#profiled").evaluate((card) => scrollTo(0, card.offsetTop - 20));
});

await take("digits", "digits.html", { colorScheme: "dark" }, async (page) => {
    await page.getByRole("button", { name: "Draw a 3" }).click();
    await says(page, "#answer", /^3$/);
});

await take("phone", "digits.html", { viewport: { width: 390, height: 844 } }, async (page) => {
    await page.getByRole("button", { name: "Draw a 8" }).click();
    await says(page, "#answer", /^8$/);
});

if (FACES) {
    await take("faces", "faces.html", { colorScheme: "dark" }, async (page) => {
        await page.setInputFiles("#files", FACES);
        await says(page, "#found", /^2 faces$/);
        await page.waitForTimeout(2000);
    });
}

if (existsSync(join(HERE, "vendor"))) {
    await take("search", "search.html", { viewport: { width: 1100, height: 960 } }, async (page) => {
        writeEmbedding(join(made, "embedding"));
        await page.setInputFiles("#folder", join(made, "embedding"));
        await page.click("#ask:enabled");
        await says(page, "#found", /Dentist/);
    });
}

await running.end();
rmSync(made, { recursive: true });
