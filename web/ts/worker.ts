// The worker in which sessions live that a page has with `worker: true` or `env.wasm.proxy`.

import { serve } from "./engine/serve";
import type { Question } from "./engine/messages";

const hear = serve((reply, moved = []) => postMessage(reply, { transfer: moved }));
addEventListener("message", ({ data }: MessageEvent<Question>) => hear(data));
