// `InferenceSession`.
import { equal, ok } from "../../browser/harness/assert";
import { row, type Kit, type Part } from "../row";

const created = async ({ edgewise, model, image }: Kit): Promise<void> => {
  const bytes = await (await fetch(model)).arrayBuffer();
  for (const given of [model, bytes, new Uint8Array(bytes)]) {
    const session = await edgewise.InferenceSession.create(given);
    equal(Object.keys(await session.run({ image: image() })), session.outputNames);
    await session.release();
  }
  const part = await edgewise.InferenceSession.create(bytes, 0, bytes.byteLength, {});
  await part.release();
};

const described = ({ opened }: Kit): Promise<void> =>
  opened({}, async ({ inputMetadata: [first], outputMetadata: [output] }) => {
    equal(first, { name: "image", isTensor: true, type: "float32", shape: ["N", 1, 8, 8] });
    ok(output?.isTensor, "the output is no tensor");
  });

const profiled = ({ opened, image }: Kit): Promise<void> =>
  opened({}, async (session) => {
    session.startProfiling();
    await session.run({ image: image() });
    const [trace = ""] = session.endProfiling();
    ok(JSON.parse(trace), "there is no trace");
  });

export const session: Part = {
  title: "InferenceSession",
  rows: [
    row(
      "InferenceSessionFactory",
      "create",
      "works",
      "From more than onnxruntime-web takes: [a model's bytes](javascript.md#a-models-bytes).",
      created,
    ),
    row("InferenceSession", "run", "works", "Two runs at once do not fail.", ({ opened, image }) =>
      opened({}, async (one) => {
        const [name = ""] = one.outputNames;
        const both = [one.run({ image: image() }), one.run({ image: image() }, [name], { tag: "x" })];
        const [a, b] = await Promise.all(both);
        equal([...(a?.[name]?.data ?? [])], [...(b?.[name]?.data ?? [])]);
      }),
    ),
    row("InferenceSession", "release", "works", "", async ({ edgewise, model, image }) => {
      const one = await edgewise.InferenceSession.create(model);
      await one.release();
      const error = await one.run({ image: image() }).catch((error: unknown) => error);
      ok((error as { code?: string }).code === "disposed", "it ran after its release");
    }),
    row(
      "InferenceSession",
      "startProfiling endProfiling",
      "works",
      "`endProfiling` gives a trace of each run.",
      profiled,
    ),
    row("InferenceSession", "inputNames outputNames", "works", "", ({ opened }) =>
      opened({}, async ({ inputNames, outputNames }) => {
        equal([inputNames, outputNames.length], [["image"], 1]);
      }),
    ),
    row("InferenceSession", "inputMetadata outputMetadata", "works", "", described),
    row("ValueMetadataBase", "name", "works", "", described),
    row("TensorValueMetadata", "isTensor type shape", "works", "", described),
    row("NonTensorValueMetadata", "isTensor", "works", "", described),
  ],
};
