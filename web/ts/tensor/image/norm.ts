// The options of images that both directions read: normalization, the order of channels, the layout.
import { invalid, oneOf, show } from "../data";
import type { ImageFormat, ImageTensorLayout, OptionsNormalizationParameters, PerChannel } from "./options";

/** One number for each of red, green, blue and alpha. */
export type Channels = readonly [number, number, number, number];

const four = (given: PerChannel | undefined, rest: number, what: string): Channels => {
  if (given === undefined) return [rest, rest, rest, rest];
  if (typeof given === "number") return [given, given, given, given];
  const [red, green, blue, alpha = rest] = Array.isArray(given) ? (given as readonly unknown[]) : [];
  const all = [red, green, blue, alpha];
  if (all.every((number) => typeof number === "number")) return all as unknown as Channels;
  throw invalid(`${what} must be a number, or an array of 3 or 4 of them, not ${show(given)}`);
};

/** What is added and divided by, or multiplied with and taken away. */
export const normOf = (
  { norm }: OptionsNormalizationParameters,
  rest: number,
): { readonly bias: Channels; readonly mean: Channels } => ({
  bias: four(norm?.bias, 0, "norm.bias"),
  mean: four(norm?.mean, rest, "norm.mean"),
});

const FORMATS = ["RGB", "RGBA", "BGR", "RBG"] as const;

/** Which of red, green, blue and alpha each channel of a tensor is. */
export const orderOf = (format: ImageFormat, what: string): readonly number[] =>
  [...oneOf(format, FORMATS, what)].map((color) => "RGBA".indexOf(color));

const LAYOUTS = ["NCHW", "NHWC"] as const;

/** Whether channels lie beside each other. */
export const isInterleaved = (layout: ImageTensorLayout = "NCHW"): boolean =>
  oneOf(layout, LAYOUTS, "tensorLayout") === "NHWC";
