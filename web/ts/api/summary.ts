// What a model is made of, and what becomes of its parts.

/** Counts by name. */
export type Counts = Readonly<Record<string, number>>;

export interface Summary {
  /** Nodes by operator, after the graph was rewritten. */
  readonly operators: Counts;
  /** Nodes by where they run: `cpu`, or the GPU's name. */
  readonly placement: Counts;
  readonly computes: {
    readonly arithmetic: "integer" | "mixed" | "float";
    /** Nodes that compute in integers, by operator. */
    readonly integer: Counts;
    /** Nodes between integers and floats, by operator. */
    readonly conversions: Counts;
    /** Nodes of quantized patterns that stay in floats, and why. */
    readonly stays_float: readonly {
      readonly node: string;
      readonly operator: string;
      readonly why: string;
    }[];
  };
  readonly threads: number;
}
