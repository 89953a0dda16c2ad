// `env`, and what is exported beside it.
import { equal, ok, rejects } from "../../browser/harness/assert";
import { row, type Kit, type Part, type Row } from "../row";

type Flags = Record<string, unknown>;

/** A session is what it is without these flags, which are then put back. */
const harmless =
  (of: (kit: Kit) => object, flags: Flags): Row["check"] =>
  async (kit) => {
    const target = of(kit) as Flags;
    const before = Object.keys(flags).map((name) => [name, target[name]]);
    try {
      Object.assign(target, flags);
      equal((await kit.scores()).length, 20);
    } finally {
      Object.assign(target, Object.fromEntries(before));
    }
  };

const wasm = ({ edgewise }: Kit): object => edgewise.env.wasm;
const webgpu = ({ edgewise }: Kit): object => edgewise.env.webgpu;

/** Flags of the module count when it starts, which a worker of its own does anew. */
const refusedAtStart =
  (flags: Flags, code: string, word: string): Row["check"] =>
  async ({ edgewise, scores }) => {
    const { wasm } = edgewise.env;
    const before = { ...wasm };
    try {
      Object.assign(wasm, flags);
      await rejects(scores({ worker: true }), code, word);
    } finally {
      for (const name of Object.keys(flags)) Reflect.set(wasm, name, Reflect.get(before, name));
    }
    equal((await scores({ worker: true })).length, 20);
  };

export const env: readonly Part[] = [
  {
    title: "env",
    rows: [
      row("Env", "logLevel", "works", "", async ({ edgewise }) => {
        edgewise.env.logLevel = "error";
        equal(edgewise.env.logLevel, "error");
        edgewise.env.logLevel = "warning";
      }),
      row(
        "Env",
        "debug trace",
        "nothing",
        "`enableProfiling` writes down what runs.",
        harmless(({ edgewise }) => edgewise.env, { debug: true, trace: true }),
      ),
      row(
        "Env",
        "versions",
        "works",
        "`common` and `edgewise`. There is no `web`, by which libraries find onnxruntime-web's files to download.",
        async ({ edgewise }) => {
          const { versions } = edgewise.env;
          ok(versions.common && versions.edgewise && !versions.web, "there are other versions");
        },
      ),
      row("Env", "wasm webgpu", "works", "See below.", async ({ edgewise }) =>
        ok(edgewise.env.wasm && edgewise.env.webgpu, "they are missing"),
      ),
      row(
        "",
        "Env.webgl WebGLFlags.*",
        "nothing",
        "There is no provider for WebGL.",
        harmless(({ edgewise }) => edgewise.env.webgl, { pack: true }),
      ),
    ],
  },
  {
    title: "env.wasm",
    rows: [
      row(
        "WebAssemblyFlags",
        "numThreads",
        "works",
        "Half of the processors, at most four, if left out.",
        refusedAtStart({ numThreads: -1 }, "invalid-input", "numThreads"),
      ),
      row(
        "WebAssemblyFlags",
        "simd",
        "works",
        '`"fixed"` leaves relaxed SIMD unused; `false` is refused, as every build has SIMD.',
        refusedAtStart({ simd: false }, "unsupported", "simd"),
      ),
      row(
        "WebAssemblyFlags",
        "initTimeout",
        "works",
        "",
        refusedAtStart({ initTimeout: -1 }, "invalid-input", "initTimeout"),
      ),
      row(
        "WebAssemblyFlags",
        "wasmPaths",
        "works",
        "Paths of onnxruntime-web's own files are left aside.",
        refusedAtStart({ wasmPaths: "/nowhere/" }, "not-found", "nowhere"),
      ),
      row(
        "WasmFilePaths",
        "wasm",
        "works",
        "",
        refusedAtStart({ wasmPaths: { wasm: "/nowhere.wasm" } }, "not-found", "nowhere"),
      ),
      row(
        "WasmFilePaths",
        "mjs",
        "nothing",
        "The JavaScript around the module is part of the package's.",
        harmless(wasm, { wasmPaths: { mjs: "/nowhere.mjs" } }),
      ),
      row(
        "WebAssemblyFlags",
        "wasmBinary",
        "works",
        "A compiled `WebAssembly.Module` too.",
        refusedAtStart({ wasmBinary: new Uint8Array(8) }, "unsupported", "module"),
      ),
      row(
        "WebAssemblyFlags",
        "proxy",
        "works",
        "Goes together with WebGPU.",
        harmless(wasm, { proxy: true }),
      ),
      row(
        "WebAssemblyFlags",
        "trace",
        "nothing",
        "`enableProfiling` writes down what runs.",
        harmless(wasm, { trace: true }),
      ),
    ],
  },
  {
    title: "env.webgpu",
    rows: [
      row("WebGpuFlags", "device", "works", "", async ({ edgewise }) => {
        const device = await edgewise.env.webgpu.device;
        ok(device instanceof GPUDevice, "it is no device");
      }),
      row(
        "WebGpuFlags",
        "adapter powerPreference forceFallbackAdapter",
        "works",
        "For the device that the first session on the GPU opens. `adapter` is not set here; a device tells of its own.",
        harmless(webgpu, { powerPreference: "low-power", forceFallbackAdapter: false }),
      ),
      row(
        "",
        "WebGpuFlags.profiling WebGpuFlags.profilingMode WebGpuProfilingDataV1.* WebGpuProfilingDataV1TensorMetadata.*",
        "nothing",
        "`enableProfiling` writes down what runs on the GPU too.",
        harmless(webgpu, { profilingMode: "default" }),
      ),
      row(
        "WebGpuFlags",
        "validateInputContent",
        "nothing",
        "Inputs are always checked.",
        harmless(webgpu, { validateInputContent: true }),
      ),
    ],
  },
  {
    title: "Backends",
    rows: [
      row(
        "",
        "registerBackend",
        "refused",
        "Sessions of this package run on Edgewise alone.",
        async ({ edgewise }) => {
          const registered = (async () => edgewise.registerBackend("x", {}))();
          await rejects(registered, "unsupported", "registerBackend");
        },
      ),
      row(
        "",
        "Backend.* InferenceSessionHandler.* SessionHandler.*",
        "works",
        "`edgewise/backend` is one for [onnxruntime's front ends](migrating.md#as-a-backend-of-onnxruntime).",
        async ({ model, image }) => {
          const { backend } = await import("edgewise/backend");
          const handler = await backend.createInferenceSessionHandler(model);
          const [name = ""] = handler.outputNames;
          equal(Object.keys(await handler.run({ image: image() }, { [name]: null })), [name]);
          await handler.dispose();
        },
      ),
      row(
        "",
        "TRACE TRACE_FUNC_BEGIN TRACE_FUNC_END TRACE_EVENT_BEGIN TRACE_EVENT_END",
        "absent",
        "They are for the inside of onnxruntime.",
        async ({ edgewise }) => equal("TRACE" in edgewise, false),
      ),
    ],
  },
];
