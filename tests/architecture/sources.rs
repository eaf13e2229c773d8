//! The project's files, as the rules read them.

use std::path::{Path, PathBuf};

/// Folders that hold what was built or fetched.
const SKIPPED: [&str; 6] = ["target", "node_modules", "dist", ".git", "data", "data-demo"];

pub(super) struct SourceFile {
    /// From the project's root, with `/`.
    pub(super) path: String,
    pub(super) text: String,
}

impl SourceFile {
    /// The lines that are no comment.
    pub(super) fn code(&self) -> impl Iterator<Item = &str> {
        self.text.lines().filter(|line| !line.trim_start().starts_with("//"))
    }

    /// Is the crate named in a path or an import?
    pub(super) fn names_crate(&self, name: &str) -> bool {
        self.code().any(|line| {
            line.match_indices(name).any(|(start, _)| {
                let before = line[..start].chars().next_back();
                let after = &line[start + name.len()..];
                let is_word_start = before.is_none_or(|c| !c.is_alphanumeric() && c != '_');
                is_word_start && (after.starts_with("::") || is_import(line, after))
            })
        })
    }
}

fn is_import(line: &str, after: &str) -> bool {
    line.trim_start().trim_start_matches("pub ").starts_with("use ") && after.starts_with(';')
}

pub(super) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub(super) fn manifest(name: &str) -> toml::Table {
    let path = root().join(name).join("Cargo.toml");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All files of the project whose extension, or whole name, is one of `endings`.
pub(super) fn project_files(endings: &[&str]) -> Vec<SourceFile> {
    let mut files = Vec::new();
    let mut folders = vec![root().to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("the folder can be read") {
            let path = entry.expect("the folder can be read").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() {
                if !SKIPPED.contains(&name.as_str()) {
                    folders.push(path);
                }
                continue;
            }
            let ending = name.rsplit('.').next().unwrap_or_default();
            if endings.contains(&ending)
                && let Ok(text) = std::fs::read_to_string(&path)
            {
                files.push(SourceFile { path: from_root(&path), text });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

fn from_root(path: &Path) -> String {
    let path: PathBuf = path.strip_prefix(root()).expect("the walk began at the root").into();
    path.to_string_lossy().replace('\\', "/")
}
