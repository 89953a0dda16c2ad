// Edgewise, from its module and nothing else: on the page's own thread, and in the build `threads` with workers
// that help it; on `device`.
export const open = async ({ model, inputs, threads, build, isa, device }) => {
  const folder = `/ours/${build}/dist`;
  // The module and what loads it are fetched at once.
  const module = fetch(`${folder}/edgewise_bg.wasm`);
  const script = import(`${folder}/edgewise.js`);
  const loader = import(`${folder}/load.js`);
  let came = 0;
  const init = async () => {
    if (build === "threads") {
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
  const { Tensor } = edgewise;
  const given = (await inputs).map((t) => [t.name, new Tensor(t.dtype, new Uint32Array(t.dims), t.bytes)]);
  const names = given.map(([name]) => name);
  let latest = [];
  let cost;
  const run = () => {
    latest.forEach((tensor) => tensor.free());
    latest = session.run(names, given.map(([, tensor]) => tensor.share()));
  };
  const runAsync = async () => {
    latest.forEach((tensor) => tensor.free());
    latest = [];
    cost?.free();
    [latest, cost] = await session.runAsync(names, given.map(([, tensor]) => tensor.share()));
  };
  return {
    run: gpu ? runAsync : run,
    outputs: () =>
      session.outputNames.map((name, i) => {
        const { dtype, dims } = latest[i];
        return { name, dtype, dims: [...dims], bytes: latest[i].bytes() };
      }),
    profile: () => session.profile(names, given.map(([, tensor]) => tensor.share())),
    about: async () => {
      const { name, features } = (await gpu) ?? {};
      const { steps, launches, uploads, downloads } = cost ?? {};
      const own = gpu && { name, features, steps, launches, uploads, downloads };
      return { isa: edgewise.isa(), threads: 1 + (await came), gpu: own };
    },
  };
};
