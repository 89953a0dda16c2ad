//! How a kernel's file becomes what a driver compiles.
//!
//! A kernel is a real `.wgsl` file. Its first lines may name files of `kernels/common/` (`// use index`), which
//! are put before it: that is all that files share. What a variant is specialized by are `override` constants,
//! so a file means one thing, whatever its variants. `// enable subgroups` there names a feature that a file needs:
//! browsers want a directive for it, which naga refuses.
//!
//! Optimized builds have the files without comments: `build.rs` puts them where they are included from.
//!
//! What a reader would get wrong: a file's bindings are `reads` storage buffers that are only read, then
//! `writes` that are written too, then one uniform buffer with the parameters. A driver lays them out by these
//! two numbers alone, and the test of the table holds every file to it.

use edgewise_core::Result;

/// A file of WGSL.
#[derive(Debug)]
pub struct Shader {
    /// The file's name, without its ending.
    pub name: &'static str,
    /// What is in it.
    pub text: &'static str,
    /// How many buffers it reads.
    pub reads: u32,
    /// How many buffers it writes.
    pub writes: u32,
}

/// `shader!("softmax", 1, 1)`: the file beside the kernel, which reads and writes so many buffers.
macro_rules! shader {
    ($name:literal, $reads:literal, $writes:literal) => {
        $crate::shader::Shader {
            name: $name,
            text: include_str!(concat!(env!("OUT_DIR"), "/", $name, ".wgsl")),
            reads: $reads,
            writes: $writes,
        }
    };
}
pub(crate) use shader;

/// What a kernel's file names as its own: one file of WGSL, or several.
#[cfg(test)]
pub trait Files {
    fn files(&'static self) -> &'static [Shader];
}

#[cfg(test)]
impl Files for Shader {
    fn files(&'static self) -> &'static [Shader] {
        std::slice::from_ref(self)
    }
}

#[cfg(test)]
impl Files for &'static [Shader] {
    fn files(&'static self) -> &'static [Shader] {
        self
    }
}

/// A file with its constants: what a pipeline is made of. Equal variants share one.
#[derive(Clone, Debug)]
pub struct Variant {
    /// The file.
    pub shader: &'static Shader,
    /// Its `override` constants.
    pub constants: Vec<(&'static str, u32)>,
}

impl PartialEq for Variant {
    fn eq(&self, other: &Variant) -> bool {
        self.shader.name == other.shader.name && self.constants == other.constants
    }
}

impl Eq for Variant {}

impl std::hash::Hash for Variant {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.shader.name.hash(state);
        self.constants.hash(state);
    }
}

impl Variant {
    /// That file with those constants.
    pub fn new(shader: &'static Shader, constants: &[(&'static str, u32)]) -> Variant {
        Variant { shader, constants: constants.to_vec() }
    }
}

impl std::fmt::Display for Variant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.shader.name)?;
        self.constants.iter().try_for_each(|(name, value)| write!(f, " {name}={value}"))
    }
}

macro_rules! common {
    ($($name:literal)*) => {
        &[$(($name, include_str!(concat!(env!("OUT_DIR"), "/common/", $name, ".wgsl")))),*]
    };
}

/// The files that others use.
const COMMON: &[(&str, &str)] = common! {
    "activate"
    "attention"
    "byte_windows"
    "checked_indices"
    "dot"
    "element"
    "exact"
    "factors"
    "finish"
    "functions"
    "fused"
    "groups"
    "host_exp"
    "index"
    "indices"
    "math"
    "minifloat"
    "nbits"
    "nbits_integer"
    "normalized"
    "order"
    "picks"
    "product"
    "rounded_block"
    "rounding"
    "scales"
    "sorting"
    "span"
    "status"
    "sums"
    "team"
    "tile"
    "vectors"
    "walk"
    "wide"
    "windows"
    "words"
};

impl Shader {
    /// Whether it, or a file that it uses, has that `override` constant.
    pub fn has_constant(&self, name: &str) -> Result<bool> {
        let declares = |line: &str| {
            line.strip_prefix("override ").is_some_and(|rest| rest.split(':').next() == Some(name))
        };
        Ok(self.source()?.lines().any(declares))
    }

    /// The file, behind those that it uses.
    pub fn source(&self) -> Result<String> {
        let mut source = String::new();
        let opening = self.text.lines().take_while(|line| line.starts_with("// "));
        for name in opening.filter_map(|line| line.strip_prefix("// use ")) {
            let common = COMMON.iter().find(|(common, _)| *common == name);
            let (_, text) = common.ok_or_else(|| err!(Internal, "{}.wgsl uses '{name}'", self.name))?;
            source.push_str(text);
            source.push('\n');
        }
        source.push_str(self.text);
        Ok(source)
    }

    /// The same for a browser: with directives for the features that it names.
    #[cfg(target_family = "wasm")]
    pub fn browser_source(&self) -> Result<String> {
        let mut source = String::new();
        let opening = self.text.lines().take_while(|line| line.starts_with("// "));
        for feature in opening.filter_map(|line| line.strip_prefix("// enable ")) {
            source.push_str(&format!("enable {feature};\n"));
        }
        source.push_str(&self.source()?);
        Ok(source)
    }
}
