// Edgewise, from its module and nothing else.
export const open = async ({ model, inputs, threads, build }) => {
  if (threads > 1) throw new Error(`the build '${build}' has no threads`);
  const { default: init, Session, Tensor } = await import(`/ours/${build}/dist/edgewise.js`);
  await init();
  const session = Session.load(await model);
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
  };
};
