/** Which GPU, and what of it may be used. */
export interface GpuOptions {
    /** `"high-performance"` unless it is `"low-power"`, as WebGPU has it. */
    powerPreference?: string;
    /** Whether the limits that every GPU has are kept to. */
    defaultLimits?: boolean;
    /** Whether nothing is used that a GPU may lack. */
    noFeatures?: boolean;
    /** A device that the page has opened: buffers on it pass between both. It is never destroyed here. */
    device?: GPUDevice;
    /** An adapter that the page has found. */
    adapter?: GPUAdapter;
}

export interface LoadOptions {
    /** What runs what it has kernels for; the processor does the rest, and everything if left out. */
    device?: Device;
}

export interface RunOptions {
    /** Of the outputs, those that stay on the GPU if that is where they are made. */
    onDevice?: string[];
}
