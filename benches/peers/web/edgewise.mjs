// Edgewise, from its module and nothing else: on the page's own thread, and in a build with threads with workers
// that help it; on `device`.
export const open = async ({ model, inputs, threads, build, isa, device }) => {
  const folder = `/ours/${build}/dist`;
  // The module and what loads it are fetched at once.
  const module = fetch(`${folder}/edgewise_bg.wasm`);
  const script = import(`${folder}/edgewise.js`);
  const loader = import(`${folder}/load.js`);
  let came = 0;
  const init = async () => {
    if (build.endsWith("-threads")) {
      const { start } = await import(`${folder}/threads.js`);
      ({ came } = await start(threads, module));
    } else {
      if (threads > 1) throw new Error(`the build '${build}' has no threads`);
      await (await script).default({ module_or_path: module });
    }
    if (isa) (await script).chooseIsa(isa);
  };
  const ready = init();
  const { load } = await loader;
  const gpu = device === "gpu" ? ready.then(async () => (await script).openGpu()) : undefined;
  const session = await load(model, { ready, threads, device: gpu });
  const edgewise = await script;
  const { Value } = edgewise;
  const given = (await inputs).map((t) => [t.name, Value.tensor(t.dtype, Float64Array.from(t.dims), t.bytes)]);
  const names = given.map(([name]) => name);
  let latest;
  const run = async (options) => {
    latest?.outputs.forEach((value) => value.free());
    latest = undefined;
    latest = await session.run(names, given.map(([, value]) => value.share()), options);
  };
  return {
    run: () => run(),
    outputs: () =>
      session.outputs.map(({ name }, i) => {
        const { dtype, dims } = latest.outputs[i];
        return { name, dtype, dims, bytes: latest.outputs[i].bytes() };
      }),
    profile: async () => {
      await run({ profile: true });
      return latest.trace;
    },
    about: async () => {
      const { name, features } = (await gpu) ?? {};
      const { steps, launches, uploads, downloads } = latest ?? {};
      const own = gpu && { name, features, steps, launches, uploads, downloads };
      return { isa: edgewise.isa(), threads: 1 + (await came), gpu: own };
    },
  };
};
