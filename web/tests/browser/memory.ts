// What is left after many sessions: nothing that was not there after a few.

import { InferenceSession, running, type SessionOptions } from "edgewise";
import { MODEL, scores } from "./digits";
import { ok } from "./harness/assert";

const FEW = 20;
const MANY = 200;
const MORE = 1.05;

interface Page {
  gc?: () => void;
}

/** Bytes of JavaScript's heap and of the module. */
const bytes = async (): Promise<number> => {
  // What finalizers let go is collected the next time.
  for (let i = 0; i < 3; i++) {
    (globalThis as Page).gc?.();
    await new Promise((done) => setTimeout(done, 20));
  }
  const { usedJSHeapSize } = (performance as unknown as { memory: { usedJSHeapSize: number } }).memory;
  return usedJSHeapSize + ((await running())?.bytes ?? 0);
};

const cycles = async (count: number, options: SessionOptions): Promise<void> => {
  for (let i = 0; i < count; i++) {
    const session = await InferenceSession.create(MODEL, options);
    await scores(session, 2);
    await session.release();
  }
};

const holds = async (options: SessionOptions): Promise<void> => {
  await cycles(FEW, options);
  const few = await bytes();
  await cycles(MANY - FEW, options);
  const many = await bytes();
  ok(many <= few * MORE, `${few} bytes after ${FEW} sessions, ${many} after ${MANY}`);
};

export const tests: Record<string, () => Promise<void>> = {
  "sessions on the CPU leave nothing behind": () => holds({}),
  "sessions on the GPU leave nothing behind": () => holds({ executionProviders: ["webgpu"] }),
  "sessions whose model cannot be loaded leave nothing behind": async () => {
    const fail = async (count: number) => {
      for (let i = 0; i < count; i++) {
        await InferenceSession.create(`${MODEL}?fault=truncated`, { retries: 0 }).catch(() => {});
        await InferenceSession.create(new Uint8Array(1 << 16)).catch(() => {});
      }
    };
    await fail(FEW);
    const few = await bytes();
    await fail(MANY / 2);
    const many = await bytes();
    ok(many <= few * MORE, `${few} bytes after ${FEW} failures, ${many} after more`);
  },
};
