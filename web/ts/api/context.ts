// `Context`: a session with a past, such as the keys and values of a decoder, which it keeps where the session runs.
//
// What a reader would get wrong: a session may have any number of contexts, but a context does one thing at a time.
// Whatever is asked of it meanwhile is refused as `busy`.

import type { Past } from "../engine/engine";
import { EdgewiseError } from "../errors";
import type { Tensor } from "../tensor/tensor";
import type { Feeds, Fetches, RunOptions } from "./arguments";
import { metadata, type ValueMetadata } from "./metadata";
import { run, type Habits, type Results } from "./run";

export class Context {
  #past: Past | undefined;
  readonly #habits: () => Habits;

  /** What it takes and gives: the session's, without the past. */
  readonly inputMetadata: readonly ValueMetadata[];
  readonly outputMetadata: readonly ValueMetadata[];

  /** Sessions make it. */
  constructor(past: Past, habits: () => Habits) {
    this.#past = past;
    this.#habits = habits;
    this.inputMetadata = past.inputs.map(metadata);
    this.outputMetadata = past.outputs.map(metadata);
  }

  /** Runs as a session does, behind the past. A run that fails leaves the past as it was. */
  run<Value = Tensor>(feeds: Feeds, options?: RunOptions): Promise<Results<Value>>;
  run<Value = Tensor>(feeds: Feeds, fetches: Fetches, options?: RunOptions): Promise<Results<Value>>;
  async run(feeds: Feeds, first?: Fetches | RunOptions, second?: RunOptions): Promise<Results<never>> {
    return (await run(this.#living(), this.#habits(), feeds, [first, second])) as Results<never>;
  }

  /** How many positions the past has; 0 where no cache grows. */
  length(): Promise<number> {
    return this.#living().length();
  }

  /** Forgets everything from that position on. */
  truncate(length: number): Promise<void> {
    return this.#living().truncate(length);
  }

  /** Forgets everything. */
  reset(): Promise<void> {
    return this.#living().reset();
  }

  /** Another context with the same past; memory is shared until one of them goes on. */
  async fork(): Promise<Context> {
    return new Context(await this.#living().fork(), this.#habits);
  }

  async release(): Promise<void> {
    const past = this.#past;
    this.#past = undefined;
    await past?.release();
  }

  [Symbol.dispose](): void {
    void this.release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }

  #living(): Past {
    if (this.#past) return this.#past;
    throw new EdgewiseError("disposed", "the context was released; the session makes another one");
  }
}
