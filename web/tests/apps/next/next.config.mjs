// A site of files, in a folder of its server.
export default { output: "export", distDir: "out", basePath: "/app" };
