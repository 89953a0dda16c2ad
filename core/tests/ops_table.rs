//! The operator table, seen from outside: it agrees with the tree, and `docs/support.md` agrees with it.

use edgewise_core::ops::TABLE;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}

#[test]
fn no_operator_is_named_twice() {
    let mut seen = BTreeSet::new();
    for e in TABLE {
        assert!(seen.insert((e.domain, e.name)), "{} of domain '{}' has two entries", e.name, e.domain);
    }
}

#[test]
fn every_operator_has_its_file_in_both_folders() {
    for e in TABLE {
        for folder in ["ops", "cpu"] {
            let at = root().join("src").join(folder).join(e.file);
            let found = at.with_extension("rs").is_file() || at.join("mod.rs").is_file();
            assert!(found, "{} is implemented in '{}', which {folder}/ does not have", e.name, e.file);
        }
    }
}

#[test]
fn the_support_matrix_is_that_of_the_table() {
    let path = root().join("../docs/support.md");
    let expected = support();
    if std::env::var_os("EDGEWISE_BLESS").is_some_and(|bless| bless == "1") {
        std::fs::create_dir_all(root().join("../docs")).unwrap();
        std::fs::write(&path, &expected).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
    assert!(
        found == expected,
        "docs/support.md is out of date: EDGEWISE_BLESS=1 cargo test -p edgewise-core --test ops_table"
    );
}

/// The support matrix as Markdown, its columns padded as prettier wants them.
fn support() -> String {
    let mut rows: Vec<[String; 5]> = TABLE
        .iter()
        .map(|e| {
            let domain = if e.domain.is_empty() { "ai.onnx" } else { e.domain };
            let file = format!("`{}`", e.file);
            // The compiler refuses an operator without a CPU kernel.
            [e.name.into(), domain.into(), e.pack.into(), file, "yes".into()]
        })
        .collect();
    rows.sort_by(|a, b| (&a[1], &a[0]).cmp(&(&b[1], &b[0])));
    let count = rows.len();
    rows.insert(0, ["Operator", "Domain", "Pack", "File", "CPU"].map(String::from));
    let widths: [usize; 5] = std::array::from_fn(|i| rows.iter().map(|row| row[i].len()).max().unwrap_or(3));
    rows.insert(1, widths.map(|width| "-".repeat(width)));

    let mut text = format!(
        "# Supported operators\n\n\
         The {count} operators that Edgewise knows, from the table in `core/src/ops/mod.rs`. Every one runs at\n\
         every opset version in which its domain has it. _File_ is its file's name in every folder: in\n\
         `core/src/ops/` what it is, in `core/src/cpu/` what it computes. _Pack_ says which builds have it.\n\n\
         A test holds this page and the table together; `EDGEWISE_BLESS=1 cargo test -p edgewise-core --test\n\
         ops_table` writes it anew.\n\n"
    );
    for row in rows {
        let cells: Vec<String> =
            row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        text += &format!("| {} |\n", cells.join(" | "));
    }
    text
}
