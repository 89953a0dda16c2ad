// `InferenceSession`: a model that is ready to run, as onnxruntime-web has it.
//
// What a reader would get wrong: any number of runs may be under way at once. They do not wait for one another here,
// and none of them sees another one's tensors.

import type { Engine, Model } from "../engine/engine";
import { local } from "../engine/local";
import { EdgewiseError, proceed } from "../errors";
import type { ModelInput } from "../load/model";
import type { Tensor } from "../tensor/tensor";
import { forCreate, type Feeds, type Fetches, type RunOptions } from "./arguments";
import { Context } from "./context";
import { env, warn } from "./env";
import { metadata, type ValueMetadata } from "./metadata";
import { settled, type SessionOptions } from "./options";
import type { Summary } from "./summary";
import { run, type Habits, type Results } from "./run";

// What starts workers is downloaded by pages that want one. Where none can be started, nothing can be imported either.
const engine = async (options: SessionOptions): Promise<Engine> => {
  const worker = (options.worker ?? env.wasm.proxy ?? false) && typeof Worker === "function";
  return worker ? (await import("../engine/remote")).remote : local;
};

export class InferenceSession {
  #model: Model | undefined;
  readonly #options: SessionOptions;
  readonly #onDevice: string[];
  #traces: string[] | undefined;

  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  readonly inputMetadata: readonly ValueMetadata[];
  readonly outputMetadata: readonly ValueMetadata[];
  /** Where it runs. */
  readonly device: "cpu" | "gpu";

  private constructor(model: Model, options: SessionOptions, onDevice: boolean | string[]) {
    this.#model = model;
    this.#options = options;
    this.inputNames = model.inputs.map(({ name }) => name);
    this.outputNames = model.outputs.map(({ name }) => name);
    this.inputMetadata = model.inputs.map(metadata);
    this.outputMetadata = model.outputs.map(metadata);
    this.device = model.device;
    this.#onDevice = typeof onDevice === "boolean" ? (onDevice ? [...this.outputNames] : []) : onDevice;
    if (options.enableProfiling) this.startProfiling();
  }

  /** Loads a model from its address, its bytes, or whatever else has them. */
  static create(model: ModelInput, options?: SessionOptions): Promise<InferenceSession>;
  static create(
    buffer: ArrayBufferLike,
    byteOffset: number,
    byteLength?: number,
    options?: SessionOptions,
  ): Promise<InferenceSession>;
  static async create(...given: [unknown, ...unknown[]]): Promise<InferenceSession> {
    const { model, options } = forCreate(...given);
    const { signal, progress } = options;
    const settings = settled(options);
    proceed("loading", signal);
    const loaded = await (await engine(options)).load(model, settings, { signal, progress });
    if (loaded.device === "cpu" && settings.onDevice !== false) {
      warn("outputs stay on the CPU, where the session runs; preferredOutputLocation asks for the GPU");
    }
    return new InferenceSession(loaded, options, loaded.device === "gpu" && settings.onDevice);
  }

  run<Value = Tensor>(feeds: Feeds, options?: RunOptions): Promise<Results<Value>>;
  run<Value = Tensor>(feeds: Feeds, fetches: Fetches, options?: RunOptions): Promise<Results<Value>>;
  async run(feeds: Feeds, first?: Fetches | RunOptions, second?: RunOptions): Promise<Results<never>> {
    return (await run(this.#living(), this.#habits(), feeds, [first, second])) as Results<never>;
  }

  /** A context without a past. A model without caches has one too; then it holds nothing. */
  async context(): Promise<Context> {
    return new Context(await this.#living().context(), () => this.#habits());
  }

  /** Gives everything back. A run that is under way ends as it would have. */
  async release(): Promise<void> {
    const model = this.#model;
    this.#model = undefined;
    await model?.release();
  }

  /** The same, and nobody waits for it. */
  [Symbol.dispose](): void {
    void this.release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }

  /** From here on each run writes down how long each step took. */
  startProfiling(): void {
    this.#living();
    this.#traces ??= [];
  }

  /** Ends that; gives what was written down of each run, as Chrome and Perfetto show it. */
  endProfiling(): string[] {
    this.#living();
    const traces = this.#traces ?? [];
    this.#traces = undefined;
    return traces;
  }

  /** What the model is made of, and what runs where. */
  async summary(): Promise<Summary> {
    return JSON.parse(await this.#living().summary()) as Summary;
  }

  #living(): Model {
    if (this.#model) return this.#model;
    throw new EdgewiseError("disposed", "the session was released; create another one");
  }

  #habits(): Habits {
    const gpu = this.device === "gpu" ? () => env.webgpu.device : undefined;
    return { onDevice: this.#onDevice, gpu, breathe: this.#options.breathe, traces: this.#traces };
  }
}
