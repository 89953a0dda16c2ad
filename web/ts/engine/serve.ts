// The worker's side: does what the page asks, and answers in the order in which things are done.
//
// What a reader would get wrong: a message is heard only when a run lets go of the thread. So runs that may be
// cancelled take a breath now and then.

import { env } from "../api/env";
import { EdgewiseError, typed } from "../errors";
import type { Model, Plain } from "./engine";
import { local } from "./local";
import {
  buffers,
  sendable,
  unpacked,
  type Call,
  type Calls,
  type Flags,
  type Question,
  type Reply,
} from "./messages";

const BREATH_MS = 20;

type Post = (reply: Reply, moved?: Transferable[]) => void;

/** Answers questions by `post`; gives the function that hears them. */
export const serve = (post: Post): ((question: Question) => void) => {
  const models = new Map<number, Model>();
  const running = new Map<number, AbortController>();

  const found = (session: number): Model => {
    const model = models.get(session);
    if (!model) throw new EdgewiseError("disposed", "the session was released");
    return model;
  };

  const load = async (id: number, { model, settings, flags }: Calls["load"][0], signal: AbortSignal) => {
    adopt(flags);
    const external = settings.external.map(({ path, data }) => ({ path, data: unpacked(data as never) }));
    const progress = (progress: Parameters<NonNullable<Parameters<typeof local.load>[2]["progress"]>>[0]) =>
      post({ id, progress });
    const loaded = await local.load(unpacked(model), { ...settings, external }, { signal, progress });
    models.set(id, loaded);
    post({
      id,
      answer: { session: id, inputs: loaded.inputs, outputs: loaded.outputs, device: loaded.device },
    });
  };

  const run = async (
    id: number,
    { session, names, values, settings }: Calls["run"][0],
    signal: AbortSignal,
  ) => {
    const breathe = settings.breathe ?? BREATH_MS;
    const ran = await found(session).run(names, values, { ...settings, breathe, signal });
    const outputs: Plain[] = ran.outputs.map(sendable);
    post({ id, answer: { ...ran, outputs } }, buffers(outputs));
  };

  const release = async (id: number, session: number) => {
    const model = found(session);
    models.delete(session);
    await model.release();
    post({ id, answer: undefined });
  };

  const act = async (question: Call, signal: AbortSignal): Promise<void> => {
    const { id, call, given } = question;
    if (call === "load") return load(id, given, signal);
    if (call === "run") return run(id, given, signal);
    if (call === "release") return release(id, given.session);
    post({ id, answer: await found(given.session).summary() });
  };

  return (question) => {
    if (question.call === "cancel") return running.get(question.id)?.abort();
    const controller = new AbortController();
    running.set(question.id, controller);
    act(question, controller.signal)
      .catch((error: unknown) => {
        const { code, message } = typed(error);
        post({ id: question.id, code, message });
      })
      .finally(() => running.delete(question.id));
  };
};

const adopt = ({ wasm, logLevel, powerPreference, forceFallbackAdapter }: Flags): void => {
  Object.assign(env.wasm, wasm);
  if (logLevel) env.logLevel = logLevel;
  Object.assign(env.webgpu, { powerPreference, forceFallbackAdapter });
};
