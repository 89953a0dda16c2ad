// The checks of the table of compatibility: each proves the state of the members in its row.
import * as edgewise from "edgewise";
import { TABLE } from "../compat/table";
import type { Kit } from "../compat/row";
import { MODEL, input } from "./digits";

const COUNT = 2;

const kit: Kit = {
  edgewise,
  model: MODEL,
  image: (count = COUNT) => input(count),
  opened: async (options, use) => {
    const session = await edgewise.InferenceSession.create(MODEL, options);
    try {
      return await use(session);
    } finally {
      await session.release();
    }
  },
  scores: (options = {}, run = {}) =>
    kit.opened(options, async (session) => {
      const [output] = Object.values(await session.run({ image: input(COUNT) }, run));
      return output?.data as Float32Array;
    }),
};

export const tests: Record<string, () => Promise<void>> = Object.fromEntries(
  TABLE.flatMap(({ title, rows }) =>
    rows.map(({ members, state, check }) => [`${title}: ${members.join(", ")}: ${state}`, () => check(kit)]),
  ),
);
