// The GPU of this page or worker: opened once, shared by all sessions.
//
// What a reader would get wrong: it is not closed when the last session ends, since the page may hold its tensors.
// When it is lost, the module opens it again by itself.

import type * as module from "#module";
import { env, gpuAccess, warn } from "../api/env";
import { typed } from "../errors";
import { start } from "../module/start";
import type { Settings } from "./engine";

type Module = typeof module;

let opened: Promise<module.Device> | undefined;
// The page's device that it was opened on.
let on: GPUDevice | undefined;

const open = (module: Module): Promise<module.Device> => {
  if (opened && on === gpuAccess.own) return opened;
  on = gpuAccess.own;
  const { powerPreference, forceFallbackAdapter, adapter, profilingMode, profiling } = env.webgpu;
  if ((profiling.mode ?? profilingMode) === "default") {
    warn("env.webgpu.profiling is not heard; a session's enableProfiling writes down what runs");
  }
  opened = module.openGpu({
    ...(powerPreference && { powerPreference }),
    ...(forceFallbackAdapter !== undefined && { forceFallbackAdapter }),
    ...(adapter && { adapter }),
    ...(on && { device: on }),
  });
  opened.catch(() => (opened = undefined));
  return opened;
};

gpuAccess.open = async () => (await open((await start()).module)).gpu;

/** The GPU where the settings want one; an error where there is none and the CPU will not do. */
export const deviceFor = async (
  module: Module,
  { device }: Pick<Settings, "device">,
): Promise<module.Device | undefined> => {
  if (device === "cpu") return undefined;
  try {
    return await open(module);
  } catch (error) {
    if (device === "gpu") throw typed(error, "unsupported");
    warn(`the CPU takes over: ${typed(error).message}`);
    return undefined;
  }
};
