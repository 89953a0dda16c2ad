// The module's sessions and contexts, as the surface runs them.

import type * as module from "#module";
import { proceed, typed } from "../errors";
import type { Model, OnGpu, Past, Plain, Ran, Runner, RunSettings } from "./engine";
import { intoModule, outOfModule } from "./values";

type Module = typeof module;
type Device = module.Device | undefined;

export const model = (module: Module, session: module.Session, device: Device): Model => ({
  ...runner(module, session, device),
  device: device ? "gpu" : "cpu",
  summary: async () => session.summary(),
  context: async () => past(module, session.context(), device),
});

const past = (module: Module, context: module.Context, device: Device): Past => ({
  ...runner(module, context, device),
  length: async () => context.length,
  truncate: (length) => context.truncate(length),
  reset: async () => context.reset(),
  fork: async () => past(module, context.fork(), device),
});

const runner = (module: Module, of: module.Session | module.Context, device: Device): Runner => ({
  inputs: of.inputs,
  outputs: of.outputs,
  run: (names, values, settings) => run(module, of, device, names, values, settings),
  release: async () => of.free(),
});

const run = async (
  module: Module,
  of: module.Session | module.Context,
  device: Device,
  names: string[],
  values: (Plain | OnGpu)[],
  { outputs, onDevice, signal, profile, breathe }: RunSettings,
): Promise<Ran> => {
  const given: module.Value[] = [];
  try {
    for (const value of values) given.push(intoModule(module, value, device));
  } catch (error) {
    given.forEach((value) => value.free());
    throw typed(error);
  }
  try {
    const ran = await of.run(names, given, {
      outputs,
      profile,
      ...(device && { onDevice }),
      ...(signal && { signal }),
      ...(breathe !== undefined && { breathe }),
    });
    return { ...ran, outputs: ran.outputs.map(outOfModule) };
  } catch (error) {
    proceed("the run", signal);
    throw typed(error);
  }
};
