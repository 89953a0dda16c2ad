// Pages that run cases, one after the other: a fresh one every few hundred, and after what may have harmed a page.

const CASES_PER_PAGE = 300;
const CASE_MS = 60_000;

/** What runs a case in a page at that address, and gives why it failed, if it did. */
export const runner = (browser, address) => {
  let page;
  let left = 0;
  const fresh = async () => {
    await page?.context().close();
    page = await (await browser.newContext()).newPage();
    await page.goto(address);
    await page.waitForFunction(() => window.runCase, undefined, { timeout: 30_000 });
    left = CASES_PER_PAGE;
  };
  return async (one) => {
    if (left === 0) await fresh();
    left -= 1;
    const failure = await within(
      CASE_MS,
      page.evaluate((one) => window.runCase(one), one),
    ).catch((error) => ({ code: "page", message: error.message }));
    // What panicked, hung or ended its page tells nothing about the cases behind it.
    if (failure?.code === "internal" || failure?.code === "page") left = 0;
    return failure;
  };
};

const within = (milliseconds, promise) => {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it took more than ${milliseconds / 1e3} s`)), milliseconds);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
};
