// The GPU of this page or worker: opened once, shared by all sessions.
//
// What a reader would get wrong: it is not closed when the last session ends, since the page may hold its tensors.
// When it is lost, the module opens it again by itself.

import type * as module from "#module";
import { env, gpuAccess, warn } from "../api/env";
import { EdgewiseError, typed } from "../errors";
import { start } from "../module/start";
import type { Settings } from "./engine";

type Module = typeof module;

let opened: Promise<module.Device> | undefined;
// The page's device that it was opened on.
let on: GPUDevice | undefined;

const open = (module: Module): Promise<module.Device> => {
  if (opened && on === gpuAccess.own) return opened;
  on = gpuAccess.own;
  opened = openOn(module, on);
  opened.catch(() => (opened = undefined));
  return opened;
};

const openOn = async (module: Module, device: GPUDevice | undefined): Promise<module.Device> => {
  const { powerPreference, forceFallbackAdapter, profilingMode, profiling } = env.webgpu;
  if ((profiling.mode ?? profilingMode) === "default") {
    warn("env.webgpu.profiling is not heard; a session's enableProfiling writes down what runs");
  }
  const adapter = env.webgpu.adapter ?? (forceFallbackAdapter && !device ? await inSoftware() : undefined);
  return module.openGpu({
    ...(powerPreference && { powerPreference }),
    ...(adapter && { adapter }),
    ...(device && { device }),
  });
};

const inSoftware = async (): Promise<GPUAdapter> => {
  const adapter = await navigator.gpu?.requestAdapter({ forceFallbackAdapter: true });
  if (adapter) return adapter;
  const why = "this browser has no GPU in software; leave env.webgpu.forceFallbackAdapter out";
  throw new EdgewiseError("unsupported", why);
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
