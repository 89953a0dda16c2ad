// One engine in a page of its own: loads itself, the model and the inputs, runs once, and then runs on when it
// is asked to. The query says what: engine, build, isa, model, inputs, threads.
const query = new URLSearchParams(location.search);

const found = async (url) => {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return response;
};

// Two requests for all tensors of a case: a browser sends only six at a time to one server.
const readFolder = async (folder) => {
  const bytes = found(`${folder}/tensors.bin`).then((response) => response.arrayBuffer());
  const index = await (await found(`${folder}/tensors.json`)).json();
  const all = await bytes;
  let at = 0;
  return index.map((t) => ({ ...t, bytes: new Uint8Array(all.slice(at, (at += t.bytes))) }));
};

const start = async () => {
  const inputs = readFolder(query.get("inputs"));
  const model = found(query.get("model"));
  // All three are fetched at once.
  const { open } = await import(`./${query.get("engine")}.mjs`);
  const threads = Number(query.get("threads"));
  const engine = await open({ model, inputs, threads, build: query.get("build"), isa: query.get("isa") });
  const began = performance.now();
  await engine.run();
  const now = performance.now();
  return { engine, coldMs: now, firstMs: now - began };
};

const started = start();

// Milliseconds from navigation to the first output, and of the first run alone.
window.cold = async () => {
  const { coldMs, firstMs } = await started;
  return { coldMs, firstMs };
};

// What runs: our own engine's instruction set, and its threads when all have come.
window.about = async () => (await started).engine.about?.();

// Milliseconds of each run, for so many seconds.
window.warm = async (seconds, most) => {
  const { engine } = await started;
  const times = [];
  const end = performance.now() + seconds * 1e3;
  while (times.length < most && (times.length < 3 || performance.now() < end)) {
    const began = performance.now();
    await engine.run();
    times.push(performance.now() - began);
  }
  return times;
};

// The outputs of the latest run, the bytes as base64.
window.outputs = async () => {
  const { engine } = await started;
  return (await engine.outputs()).map((t) => {
    let text = "";
    for (let i = 0; i < t.bytes.length; i += 0x8000)
      text += String.fromCharCode(...t.bytes.subarray(i, i + 0x8000));
    return { ...t, bytes: btoa(text) };
  });
};

// Each step of one run, as a trace; for our own engine.
window.profile = async () => (await started).engine.profile();
