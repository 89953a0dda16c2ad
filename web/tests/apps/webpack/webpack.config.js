// webpack as it comes: it finds the modules and the workers by itself.
export default {
  mode: "production",
  entry: "./main.js",
  output: { path: new URL("out", import.meta.url).pathname, filename: "main.js", publicPath: "auto" },
  performance: { hints: false },
};
