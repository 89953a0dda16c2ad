// Files that somebody drops or chooses: one model, and its weights where they lie beside it.
import { $ } from "./dom.js";

/** The model among the files; the others may be its weights. */
export const modelOf = (files) => {
  const model = files.find(({ name }) => /\.(onnx|ort)$/i.test(name)) ?? files[0];
  return { model, external: files.filter((file) => file !== model) };
};

export const externalData = (files) => files.map((file) => ({ path: file.name, data: file }));

/** Calls `take` with the files that come, however they come. */
export const choose = (take) => {
  const over = (is) => (event) => {
    event.preventDefault();
    $("drop").classList.toggle("over", is);
  };
  // The whole page takes files: nobody wants to leave it because they missed the field.
  addEventListener("dragover", over(true));
  addEventListener("dragleave", over(false));
  addEventListener("drop", (event) => {
    over(false)(event);
    if (event.dataTransfer.files.length > 0) take([...event.dataTransfer.files]);
  });
  $("files").addEventListener("change", () => {
    if ($("files").files.length > 0) take([...$("files").files]);
  });
};
