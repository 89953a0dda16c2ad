// Shaders are files, and the build brings their text.
declare module "*.wgsl" {
  const text: string;
  export default text;
}
