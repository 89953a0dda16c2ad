// What tests in pages say: the few assertions that they need.

export function ok(holds: unknown, what: string): asserts holds {
  if (!holds) throw new Error(what);
}

const shown = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) => {
    if (typeof inner === "bigint") return `${inner}n`;
    return ArrayBuffer.isView(inner) ? [...(inner as Uint8Array)] : inner;
  }) ?? String(value);

export const equal = (actual: unknown, expected: unknown, what = "values"): void => {
  ok(shown(actual) === shown(expected), `${what}: expected ${shown(expected)}, got ${shown(actual)}`);
};

export const close = (actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void => {
  equal(actual.length, expected.length, "lengths");
  for (let i = 0; i < expected.length; i++) {
    const [a = NaN, b = NaN] = [actual[i], expected[i]];
    ok(
      Math.abs(a - b) <= tolerance,
      `element ${i}: expected ${b}, got ${a}, which is not within ${tolerance}`,
    );
  }
};

/** Waits for a promise to be rejected with that code, and a message that has all of these words. */
export const rejects = async (promise: Promise<unknown>, code: string, ...words: string[]): Promise<void> => {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => error as { code?: string; message: string },
  );
  ok(outcome, `it was to be rejected with '${code}', and was not`);
  ok(outcome.code === code, `expected the code '${code}', got '${outcome.code}': ${outcome.message}`);
  for (const word of words) ok(outcome.message.includes(word), `'${word}' is not in: ${outcome.message}`);
};
