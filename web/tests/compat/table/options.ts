// `SessionOptions` and `RunOptions`.
import { close, equal, ok, rejects } from "../../browser/harness/assert";
import { row, type Kit, type Part, type Row } from "../row";

/** Results are what they are without these options. */
const same =
  (...options: Record<string, unknown>[]): Row["check"] =>
  async ({ scores }) => {
    const expected = await scores();
    for (const each of options) equal([...(await scores(each))], [...expected], JSON.stringify(each));
  };

const refused =
  (option: Record<string, unknown>, code: string): Row["check"] =>
  ({ scores }) =>
    rejects(scores(option), code, Object.keys(option)[0] ?? "");

const external = async ({ edgewise }: Kit): Promise<void> => {
  const address = "/models/external/weights.bin";
  const bytes = await (await fetch(address)).arrayBuffer();
  const files = [bytes, new Uint8Array(bytes), new Blob([bytes]), address];
  const described = files.map((data) => ({ path: "weights.bin", data }));
  const create = (externalData: unknown[] = []) =>
    edgewise.InferenceSession.create("/models/external/model.onnx", { externalData } as never);
  for (const file of [address, ...described]) {
    const session = await create([file]);
    const { y } = await session.run({ x: new edgewise.Tensor("float32", [1, 1, 1, 1], [4]) });
    equal([...(y?.data ?? [])], [2, 3, 4, 5]);
    await session.release();
  }
  await rejects(create(), "not-found", "weights.bin");
};

const ended = ({ scores }: Kit): Promise<void> => rejects(scores({}, { terminate: true }), "cancelled");

const SESSION: readonly Row[] = [
  row("SessionOptions", "executionProviders", "works", "See below.", same({ executionProviders: ["wasm"] })),
  row(
    "SessionOptions",
    "intraOpNumThreads",
    "works",
    "At most as many as `env.wasm.numThreads`. It does not change results.",
    same({ intraOpNumThreads: 1 }),
  ),
  row(
    "SessionOptions",
    "interOpNumThreads executionMode",
    "nothing",
    "Operators run one after another; each uses all threads.",
    same({ interOpNumThreads: 2, executionMode: "parallel" }),
  ),
  row("SessionOptions", "freeDimensionOverrides", "works", "", ({ opened }) =>
    opened({ freeDimensionOverrides: { N: 2 } }, async ({ inputMetadata: [first] }) => {
      equal(first?.isTensor && first.shape, [2, 1, 8, 8]);
    }),
  ),
  row(
    "SessionOptions",
    "graphOptimizationLevel",
    "works",
    "`disabled`, or all there is.",
    async ({ scores }) => {
      close(await scores({ graphOptimizationLevel: "disabled" }), await scores(), 1e-4);
      await rejects(scores({ graphOptimizationLevel: "most" }), "invalid-input", "graphOptimizationLevel");
    },
  ),
  row(
    "SessionOptions",
    "enableCpuMemArena enableMemPattern",
    "nothing",
    "Memory is planned before the first run.",
    same({ enableCpuMemArena: false, enableMemPattern: false }),
  ),
  row(
    "SessionOptions",
    "optimizedModelFilePath",
    "refused",
    "A page has no file to write to.",
    refused({ optimizedModelFilePath: "m.onnx" }, "unsupported"),
  ),
  row(
    "SessionOptions",
    "enableProfiling",
    "works",
    "`endProfiling` gives what was written down.",
    ({ opened, image }) =>
      opened({ enableProfiling: true }, async (session) => {
        await session.run({ image: image() });
        equal(session.endProfiling().length, 1);
      }),
  ),
  row(
    "SessionOptions",
    "profileFilePrefix logId",
    "nothing",
    "There are no files and no lines to name.",
    same({ profileFilePrefix: "p", logId: "x" }),
  ),
  row(
    "SessionOptions",
    "logSeverityLevel logVerbosityLevel",
    "nothing",
    "`env.logLevel` says what is told in the console.",
    same({ logSeverityLevel: 0, logVerbosityLevel: 1 }),
  ),
  row(
    "SessionOptions",
    "preferredOutputLocation",
    "works",
    "`cpu` and `gpu-buffer`; others are refused.",
    async ({ opened, image, scores }) => {
      const options = { executionProviders: ["webgpu"], preferredOutputLocation: "gpu-buffer" };
      await opened(options, async (session) => {
        const [output] = Object.values(await session.run({ image: image() }));
        equal(output?.location, "gpu-buffer");
        output?.dispose();
      });
      await rejects(scores({ preferredOutputLocation: "texture" }), "unsupported", "preferredOutputLocation");
    },
  ),
  row(
    "SessionOptions",
    "enableGraphCapture",
    "nothing",
    "What a run launches is kept for the next one of the same shapes without being asked.",
    same({ enableGraphCapture: true }),
  ),
  row(
    "SessionOptions",
    "extra",
    "nothing",
    "Its keys are settings of onnxruntime's own parts.",
    same({ extra: { session: { set_denormal_as_zero: "1" } } }),
  ),
  row("OnnxModelOptions", "externalData", "works", "", external),
  row("ExternalDataFileDescription", "data path", "works", "", external),
];

const RUN: readonly Row[] = [
  row(
    "RunOptions",
    "logSeverityLevel logVerbosityLevel tag extra",
    "nothing",
    "As in a session's options.",
    async ({ scores }) => {
      const run = { logSeverityLevel: 0, logVerbosityLevel: 1, tag: "x", extra: {} };
      equal([...(await scores({}, run))], [...(await scores())]);
    },
  ),
  row(
    "RunOptions",
    "terminate",
    "works",
    "The run is ended before it begins. A `signal` ends one that is under way.",
    ended,
  ),
];

export const options: readonly Part[] = [
  { title: "SessionOptions", rows: SESSION },
  { title: "RunOptions", rows: RUN },
];

const added = async ({ edgewise, model, scores }: Kit): Promise<void> => {
  const told: string[] = [];
  const given = {
    progress: ({ stage }: { stage: string }) => told.push(stage),
    breathe: 8,
    retries: 0,
    timeout: 9e4,
  };
  equal((await scores(given)).length, 20);
  ok(told.includes("download"), "nothing was told");
  const ended = edgewise.InferenceSession.create(model, { signal: AbortSignal.abort() });
  await rejects(ended, "cancelled");
  await rejects(scores({ integrity: `sha256-${"A".repeat(43)}=` }), "integrity");
  await rejects(scores({ memoryLimit: 1 }), "limit-exceeded");
  equal((await scores({ worker: true })).length, 20);
};

export const own: Part = {
  title: "What is added",
  rows: [
    row(
      "SessionOptions",
      "signal progress fetch retries timeout integrity cache revalidate worker memoryLimit breathe",
      "own",
      "[In JavaScript](javascript.md)",
      added,
    ),
    row("RunOptions", "signal", "own", "Ends a run.", ({ scores }) =>
      rejects(scores({}, { signal: AbortSignal.abort() }), "cancelled"),
    ),
    row("InferenceSession", "device summary", "own", "Where it runs, and what it is made of.", ({ opened }) =>
      opened({}, async (session) => {
        equal(session.device, "cpu");
        ok(await session.summary(), "there is no summary");
      }),
    ),
  ],
};
