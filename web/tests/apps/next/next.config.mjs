// A site of files, as everywhere else here.
export default { output: "export", distDir: "out" };
