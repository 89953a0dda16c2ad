// Edgewise, from its module and nothing else: on the page's own thread, and in the build `threads` with workers
// that help it.
export const open = async ({ model, inputs, threads, build, isa }) => {
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
  const session = await load(model, { ready, threads });
  const edgewise = await script;
  const { Tensor } = edgewise;
  const given = (await inputs).map((t) => [t.name, new Tensor(t.dtype, new Uint32Array(t.dims), t.bytes)]);
  const names = given.map(([name]) => name);
  let latest = [];
  return {
    run() {
      latest.forEach((tensor) => tensor.free());
      latest = session.run(names, given.map(([, tensor]) => tensor.share()));
    },
    outputs: () =>
      session.outputNames.map((name, i) => {
        const { dtype, dims } = latest[i];
        return { name, dtype, dims: [...dims], bytes: latest[i].bytes() };
      }),
    profile: () => session.profile(names, given.map(([, tensor]) => tensor.share())),
    about: async () => ({ isa: edgewise.isa(), threads: 1 + (await came) }),
  };
};
