// Serves the page that tries everything: `npm run manual`, then open both addresses in the browser in question.
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { serve } from "../browser/harness/server.mjs";

const HERE = dirname(fileURLToPath(import.meta.url));
const WEB = join(HERE, "../..");
const { plain, isolated } = await serve({
  manual: HERE,
  apps: join(WEB, "tests/apps"),
  package: WEB,
  zoo: join(WEB, "../models/zoo"),
});
console.log(`${plain}/manual/index.html      one thread\n${isolated}/manual/index.html      shared memory`);
