// Chromium with the application open: for the tests and for the screenshots.
//
// `EDGEWISE_CHROMIUM` names the browser. The GPU is one in software, and the camera shows a test picture.
import { chromium } from "playwright-core";
import { OUT, build } from "../scripts/build.mjs";
import { serve } from "../scripts/server.mjs";

const GPU = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--enable-features=Vulkan"];
const CAMERA = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"];

/** Builds, serves and starts; `end` ends everything. */
export const start = async () => {
    build();
    const server = await serve(OUT);
    const executablePath = process.env.EDGEWISE_CHROMIUM ?? "/usr/bin/chromium";
    const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", ...GPU, ...CAMERA] });
    const end = async () => {
        await browser.close();
        server.close();
    };
    return { address: server.address, browser, end };
};

/** A page of its own, with nothing kept; what it complains of is in `told`. */
export const open = async ({ address, browser }, path, options = {}) => {
    const context = await browser.newContext({ viewport: { width: 1200, height: 900 }, ...options });
    const page = await context.newPage();
    const told = [];
    page.on("console", (message) => message.type() === "error" && told.push(message.text()));
    page.on("pageerror", (error) => told.push(String(error)));
    await page.goto(`${address}/${path}`);
    return { context, page, told };
};

/** Chooses one of several by its value. */
export const choose = (page, value) => page.locator(`input[value="${value}"]`).check({ force: true });

/** Waits until an element says that. */
export const says = async (page, selector, pattern, timeout = 30_000) => {
    const found = page.locator(selector).filter({ hasText: pattern });
    await found
        .first()
        .waitFor({ timeout })
        .catch(async () => {
            const text = await page.locator(selector).textContent();
            const error = await page.locator("#error").textContent();
            throw new Error(`${selector} was to say ${pattern}, and says "${text}" ${error}`);
        });
    return page.locator(selector).textContent();
};
