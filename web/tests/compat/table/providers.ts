// Execution providers and their options.
import { equal, rejects } from "../../browser/harness/assert";
import { row, type Part, type Row } from "../row";

type Options = Record<string, unknown>;

const runsOn =
  (device: "cpu" | "gpu", ...providers: (string | Options)[]): Row["check"] =>
  async ({ opened }) => {
    for (const provider of providers) {
      await opened({ executionProviders: [provider] }, async (session) => equal(session.device, device));
    }
  };

/** Alone it is refused by its name; before another one it is passed over. */
const refused =
  (name: string): Row["check"] =>
  async ({ scores }) => {
    await rejects(scores({ executionProviders: [{ name }] }), "unsupported", name);
    equal((await scores({ executionProviders: [name, "wasm"] })).length, 20);
  };

const NOT_HERE: Record<string, string> = {
  webgl: "WebGLExecutionProviderOption.*",
  webnn:
    "WebNNExecutionProviderName.* WebNNContextOptions.* WebNNOptionsWithoutMLContext.* WebNNOptionsWithMLContext.* WebNNOptionsWebGpu.*",
  xnnpack: "XnnpackExecutionProviderOption.*",
  cuda: "CudaExecutionProviderOption.*",
  dml: "DmlExecutionProviderOption.*",
  coreml: "CoreMLExecutionProviderOption.*",
  nnapi: "NnapiExecutionProviderOption.*",
  tensorrt: "TensorRtExecutionProviderOption.*",
  qnn: "QnnExecutionProviderOption.*",
};

const others = Object.entries(NOT_HERE).map(([name, options]) =>
  row(
    "",
    `ExecutionProviderOptionMap.${name} ${options}`,
    "refused",
    "Alone. Before another provider it is passed over, which is said in the console.",
    refused(name),
  ),
);

const gpu = (option: Options): Options => ({ name: "webgpu", ...option });

export const providers: Part = {
  title: "Execution providers",
  rows: [
    row("", "ExecutionProviderOption.name", "works", "", runsOn("cpu", { name: "wasm" })),
    row(
      "",
      "ExecutionProviderOptionMap.wasm ExecutionProviderOptionMap.cpu WebAssemblyExecutionProviderOption.name CpuExecutionProviderOption.name",
      "works",
      "The CPU, by either name.",
      runsOn("cpu", "wasm", "cpu", { name: "cpu" }),
    ),
    row(
      "",
      "CpuExecutionProviderOption.useArena",
      "nothing",
      "Memory is planned before the first run.",
      runsOn("cpu", { name: "cpu", useArena: false }),
    ),
    row(
      "",
      "ExecutionProviderOptionMap.webgpu WebGpuExecutionProviderOption.name",
      "works",
      "",
      runsOn("gpu", "webgpu", gpu({})),
    ),
    row("WebGpuExecutionProviderOption", "device", "works", "", async ({ edgewise, opened }) => {
      const device = await edgewise.env.webgpu.device;
      await opened({ executionProviders: [gpu({ device })] }, async () => {
        equal((await edgewise.env.webgpu.device) === device, true);
      });
    }),
    row(
      "WebGpuExecutionProviderOption",
      "forceCpuNodeNames",
      "refused",
      "Nodes are placed by what kernels there are.",
      ({ scores }) =>
        rejects(
          scores({ executionProviders: [gpu({ forceCpuNodeNames: ["a"] })] }),
          "unsupported",
          "forceCpuNodeNames",
        ),
    ),
    row(
      "WebGpuExecutionProviderOption",
      "preferredLayout",
      "nothing",
      "Layouts are chosen for each kernel.",
      runsOn("gpu", gpu({ preferredLayout: "NHWC" })),
    ),
    row(
      "WebGpuExecutionProviderOption",
      "validationMode enableRobustness",
      "nothing",
      "The browser validates all that a page asks of a GPU.",
      runsOn("gpu", gpu({ validationMode: "full", enableRobustness: true })),
    ),
    row(
      "WebGpuExecutionProviderOption",
      "storageBufferCacheMode uniformBufferCacheMode queryResolveBufferCacheMode defaultBufferCacheMode",
      "nothing",
      "Buffers are planned before a run, and used again.",
      runsOn(
        "gpu",
        gpu({
          storageBufferCacheMode: "simple",
          uniformBufferCacheMode: "simple",
          queryResolveBufferCacheMode: "simple",
          defaultBufferCacheMode: "simple",
        }),
      ),
    ),
    ...others,
  ],
};
