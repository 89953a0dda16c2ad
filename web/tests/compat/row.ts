// A row of the table of what onnxruntime-common has: what becomes of it here, and what proves that.
//
// What a reader would get wrong: the table is read in Node too, where the page is made of it. So the package comes to the
// checks as an argument.
import type * as Edgewise from "edgewise";

/** What checks are given. */
export interface Kit {
  edgewise: typeof Edgewise;
  /** The address of a model that takes `image` and gives one output. */
  model: string;
  image(count?: number): Edgewise.Tensor;
  /** The scores of a session on these options. */
  scores(options?: Record<string, unknown>, run?: Record<string, unknown>): Promise<Float32Array>;
  /** A session that is released afterwards. */
  opened<T>(
    options: Record<string, unknown>,
    use: (session: Edgewise.InferenceSession) => Promise<T>,
  ): Promise<T>;
}

export type State = "works" | "nothing" | "refused" | "absent" | "own";

export interface Row {
  /** As declared: `Interface.member`; `Interface.*` where all of it is one thing. */
  members: readonly string[];
  state: State;
  /** What to know of it. */
  note?: string;
  /** Throws where the state is not what it says. */
  check: (kit: Kit) => Promise<void>;
}

export interface Part {
  title: string;
  rows: readonly Row[];
}

/** A row of several members of one interface. */
export const row = (owner: string, names: string, state: State, note: string, check: Row["check"]): Row => ({
  members: names.split(" ").map((name) => (owner ? `${owner}.${name}` : name)),
  state,
  ...(note && { note }),
  check,
});
