// Edgewise in a worker of its own, as a page has it that must stay alive meanwhile.
export const open = async ({ model, inputs, ...job }) => {
  const worker = new Worker(new URL("session.mjs", import.meta.url), { type: "module" });
  const ask = (question) =>
    new Promise((answer, fail) => {
      worker.onmessage = ({ data }) => ("error" in data ? fail(new Error(data.error)) : answer(data.answer));
      worker.onerror = ({ message }) => fail(new Error(message));
      worker.postMessage(question);
    });
  await ask({ job: { ...job, model: (await model).url, inputs: await inputs } });
  const call = (name) => () => ask({ call: name });
  return { run: call("run"), outputs: call("outputs"), profile: call("profile"), about: call("about") };
};
