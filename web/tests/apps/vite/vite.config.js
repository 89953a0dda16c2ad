// Vite as it comes: it finds the modules and the workers by itself.
export default { base: "./", build: { target: "es2022" } };
