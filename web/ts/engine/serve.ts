// The worker's side: does what the page asks, and answers in the order in which things are done.
//
// What a reader would get wrong: a message is heard only when a run lets go of the thread. So runs that may be
// cancelled take a breath now and then.

import { env } from "../api/env";
import type { Progress } from "../api/options";
import { EdgewiseError, typed } from "../errors";
import type { Model, Past, Runner } from "./engine";
import { local } from "./local";
import { buffers, sendable, unpacked } from "./messages";
import type { Call, Calls, Flags, Opened, Question, Reply } from "./messages";

const BREATH_MS = 20;

type Post = (reply: Reply, moved?: Transferable[]) => void;
type Given<Name extends keyof Calls> = Calls[Name][0];

/** One call on its way. */
interface Job {
  id: number;
  signal: AbortSignal;
  post: Post;
}

type Actions = { [Name in keyof Calls]: (given: Given<Name>, job: Job) => Promise<Calls[Name][1]> };

/** Answers questions by `post`; gives the function that hears them. */
export const serve = (post: Post): ((question: Question) => void) => {
  const running = new Map<number, AbortController>();
  const actions = acting();

  const act = async ({ id, call, given }: Call, signal: AbortSignal): Promise<void> => {
    const answer = await actions[call](given as never, { id, signal, post });
    const moved = call === "run" ? buffers((answer as Calls["run"][1]).outputs) : [];
    post({ id, answer }, moved);
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

/** What each call does, on models and on contexts by their numbers. */
const acting = (): Actions => {
  const models = new Map<number, Model>();
  const contexts = new Map<number, Past>();

  const of = <T>(all: Map<number, T>, session: number): T => {
    const found = all.get(session);
    if (!found) throw new EdgewiseError("disposed", "it was released");
    return found;
  };
  const runner = (session: number): Runner => models.get(session) ?? of(contexts, session);

  const keep = async (session: number, opening: Promise<Past>): Promise<Opened> => {
    const past = await opening;
    contexts.set(session, past);
    return { session, inputs: past.inputs, outputs: past.outputs };
  };

  return {
    load: async ({ model, settings, flags }, { id, signal, post }) => {
      adopt(flags);
      const external = settings.external.map(({ path, data }) => ({ path, data: unpacked(data as never) }));
      const progress = (progress: Progress) => post({ id, progress });
      const loaded = await local.load(unpacked(model), { ...settings, external }, { signal, progress });
      models.set(id, loaded);
      const { inputs, outputs, device } = loaded;
      return { session: id, inputs, outputs, device };
    },
    run: async ({ session, names, values, settings }, { signal }) => {
      const breathe = settings.breathe ?? BREATH_MS;
      const ran = await runner(session).run(names, values, { ...settings, breathe, signal });
      return { ...ran, outputs: ran.outputs.map(sendable) };
    },
    release: async ({ session }) => {
      const released = runner(session);
      models.delete(session);
      contexts.delete(session);
      await released.release();
      return undefined;
    },
    summary: ({ session }) => of(models, session).summary(),
    context: ({ session }, { id }) => keep(id, of(models, session).context()),
    fork: ({ session }, { id }) => keep(id, of(contexts, session).fork()),
    length: ({ session }) => of(contexts, session).length(),
    truncate: async ({ session, length }) => void (await of(contexts, session).truncate(length)),
    reset: async ({ session }) => void (await of(contexts, session).reset()),
  };
};

const adopt = ({ wasm, logLevel, powerPreference, forceFallbackAdapter }: Flags): void => {
  Object.assign(env.wasm, wasm);
  if (logLevel) env.logLevel = logLevel;
  Object.assign(env.webgpu, { powerPreference, forceFallbackAdapter });
};
