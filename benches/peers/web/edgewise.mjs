// Edgewise, from its module and nothing else: on the page's own thread, and in the build `threads` with workers
// that help it.
export const open = async ({ model, inputs, threads, build, isa }) => {
  const folder = `/ours/${build}/dist`;
  const script = import(`${folder}/edgewise.js`);
  let came = 0;
  if (build === "threads") {
    const { start } = await import(`${folder}/threads.js`);
    ({ came } = await start(threads));
  } else {
    if (threads > 1) throw new Error(`the build '${build}' has no threads`);
    await (await script).default();
  }
  const edgewise = await script;
  if (isa) edgewise.chooseIsa(isa);
  const { Session, Tensor } = edgewise;
  const session = Session.load(await model, threads);
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
