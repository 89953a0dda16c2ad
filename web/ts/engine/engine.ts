// What runs models, as the surface sees it: in this thread, or in a worker behind messages.
//
// What a reader would get wrong: everything here but GPU tensors and signals can be sent to a worker as it is.

import type { ModelInput, Opening } from "../load/model";
import type { Progress } from "../api/options";

/** How a session is to be. */
export interface Settings {
  /** `prefer-gpu`: the CPU where there is no GPU. */
  device: "cpu" | "gpu" | "prefer-gpu";
  threads: number | undefined;
  optimize: boolean;
  freeDimensions: Record<string, number>;
  memoryLimit: number | undefined;
  breathe: number | undefined;
  /** Which outputs stay on the GPU: all, none, or those of these names. */
  onDevice: boolean | string[];
  /** How files are fetched. */
  open: Pick<Opening, "fetch" | "retries" | "timeout" | "integrity" | "cache" | "revalidate">;
  external: { path: string; data: ModelInput }[];
}

/** An input or an output of a model; names of types are the module's. */
export interface Port {
  name: string;
  kind: string;
  text: string;
  dtype?: string;
  dims?: (number | string)[];
}

/** A value without anything that only this thread has. */
export type Plain =
  | { kind: "tensor"; dtype: string; dims: readonly number[]; bytes: Uint8Array }
  | { kind: "strings"; dims: readonly number[]; strings: string[] }
  | { kind: "sequence"; of: string; items: Plain[] }
  | { kind: "optional"; of: string; value: Plain | undefined }
  | { kind: "map"; entries: [key: bigint | string, value: Plain][] };

/** A tensor in a GPU's memory. */
export interface OnGpu {
  kind: "gpu";
  dtype: string;
  dims: readonly number[];
  buffer: GPUBuffer;
  /** A copy on the host. */
  download?: () => Promise<Plain>;
  /** Gives the memory back. */
  free?: () => void;
}

export interface RunSettings {
  outputs: string[];
  onDevice: string[];
  signal: AbortSignal | undefined;
  profile: boolean;
  breathe: number | undefined;
}

/** What a run gave, in the order of the outputs that were asked for. */
export interface Ran {
  outputs: (Plain | OnGpu)[];
  steps: number;
  launches: number;
  uploads: number;
  downloads: number;
  trace?: string;
}

/** What runs: a model, or a model with a past. */
export interface Runner {
  inputs: Port[];
  outputs: Port[];
  run(names: string[], values: (Plain | OnGpu)[], settings: RunSettings): Promise<Ran>;
  release(): Promise<void>;
}

/** A model that is ready to run. */
export interface Model extends Runner {
  /** Where it runs. */
  device: "cpu" | "gpu";
  summary(): Promise<string>;
  context(): Promise<Past>;
}

/** A model with a past, whose inputs and outputs are left out. */
export interface Past extends Runner {
  length(): Promise<number>;
  truncate(length: number): Promise<void>;
  reset(): Promise<void>;
  fork(): Promise<Past>;
}

export interface Hearing {
  signal: AbortSignal | undefined;
  progress: ((progress: Progress) => void) | undefined;
}

export interface Engine {
  load(model: ModelInput, settings: Settings, hearing: Hearing): Promise<Model>;
}
