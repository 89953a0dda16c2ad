//! Every file of WGSL is read as a driver would read it, without a GPU.

use super::SHADERS;
use crate::shader::Shader;
use naga::valid::{Capabilities, ValidationFlags, Validator};
use naga::{AddressSpace, StorageAccess};

fn module(shader: &Shader) -> naga::Module {
    let source = shader.source().unwrap();
    let module = naga::front::wgsl::parse_str(&source)
        .unwrap_or_else(|e| panic!("{}.wgsl: {}", shader.name, e.emit_to_string(&source)));
    Validator::new(ValidationFlags::all(), Capabilities::empty())
        .validate(&module)
        .unwrap_or_else(|e| panic!("{}.wgsl: {}", shader.name, e.emit_to_string(&source)));
    module
}

#[test]
fn every_file_is_valid_wgsl() {
    for shader in SHADERS.iter().copied() {
        module(shader);
    }
}

#[test]
fn bindings_are_reads_then_writes_then_parameters() {
    for shader in SHADERS.iter().copied() {
        let module = module(shader);
        let mut bindings: Vec<(u32, AddressSpace)> = module
            .global_variables
            .iter()
            .filter_map(|(_, variable)| Some((variable.binding?.binding, variable.space)))
            .collect();
        bindings.sort_by_key(|(binding, _)| *binding);
        let (reads, writes) = (shader.reads, shader.writes);
        let expected = (0..=reads + writes).map(|binding| {
            let read = StorageAccess::LOAD;
            let space = match binding {
                b if b < reads => AddressSpace::Storage { access: read },
                b if b < reads + writes => AddressSpace::Storage { access: read | StorageAccess::STORE },
                _ => AddressSpace::Uniform,
            };
            (binding, space)
        });
        assert_eq!(bindings, expected.collect::<Vec<_>>(), "{}.wgsl", shader.name);
    }
}

#[test]
fn files_have_names_of_their_own_and_an_entry_point() {
    let mut names: Vec<&str> = SHADERS.iter().map(|shader| shader.name).collect();
    for shader in SHADERS.iter().copied() {
        let module = module(shader);
        let entries: Vec<&str> = module.entry_points.iter().map(|entry| &entry.name[..]).collect();
        assert_eq!(entries, ["main"], "{}.wgsl", shader.name);
    }
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}

#[test]
fn no_file_asks_for_more_than_every_gpu_has() {
    for shader in SHADERS.iter().copied() {
        assert!(shader.reads + shader.writes <= 8, "{}.wgsl", shader.name);
        for entry in module(shader).entry_points {
            assert!(entry.workgroup_size.iter().product::<u32>() <= 256, "{}.wgsl", shader.name);
        }
    }
}
