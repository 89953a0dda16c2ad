/** An input or an output of a model. */
export interface Port {
    name: string;
    kind: "tensor" | "sequence" | "optional" | "map";
    /** As people read it: `f32[batch, 3, 224, 224]`. */
    text: string;
    /** The type of a tensor's elements, or of an optional tensor's. */
    dtype?: string;
    /** A tensor's sizes where their number is known; a string is a symbol, or an expression of symbols. */
    dims?: (number | string)[];
}

/** What a model says of itself. */
export interface About {
    producer: string;
    opsets: [string, number][];
    metadata: [string, string][];
    weightBytes: number;
}

export interface LoadOptions {
    /** Threads of a run, the caller's among them: one if left out, and in builds without threads. */
    threads?: number;
    /** Whether the model is rewritten before it runs; true if left out. */
    optimize?: boolean;
    /** Sizes of symbols of the inputs. */
    freeDimensions?: Record<string, number>;
    /** Bytes that a run may take. */
    memoryLimit?: number;
    /** What messages call the model. */
    name?: string;
    /** Called with bytes of weights, or with pipelines, that are ready, and with how many there are. */
    progress?: (stage: "weights" | "pipelines", done: number, total: number) => void;
}

export interface RunOptions {
    /** The outputs that are wanted; all if left out. */
    outputs?: string[];
    /** Ends the run early, with an error. */
    signal?: AbortSignal;
    /** Whether each step's time is written down. */
    profile?: boolean;
    /** Gives the event loop a turn when the processor has computed for so many milliseconds, between steps; never if it is
     * 0 or left out. */
    breathe?: number;
    /** Milliseconds that the run may take. */
    deadline?: number;
}

export interface Ran {
    /** In the order of `outputs`, or in the model's. */
    outputs: Value[];
    /** Kernel calls on the processor, and on the GPU. */
    steps: number;
    launches: number;
    /** Tensors that went to the GPU, and that came back. */
    uploads: number;
    downloads: number;
    /** With `profile`: as Chrome and Perfetto show it. */
    trace?: string;
}
