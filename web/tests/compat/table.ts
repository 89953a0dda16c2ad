// The table: every member of onnxruntime-common's interfaces, and what is added to them.
import type { Part } from "./row";
import { env } from "./table/env";
import { options, own } from "./table/options";
import { providers } from "./table/providers";
import { session } from "./table/session";
import { tensor } from "./table/tensor";

export const TABLE: readonly Part[] = [session, ...options, providers, tensor, ...env, own];
