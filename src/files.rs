//! What the system says of a file, in words for the user.

use std::fs;
use std::io::{Error, ErrorKind};
use std::path::{Component, Path, PathBuf};

/// Why a file could not be read or written, and what to do.
pub fn reason(error: &Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "there is no such file or folder, so check the path".into(),
        ErrorKind::IsADirectory => "it is a folder, so give a file in it".into(),
        ErrorKind::NotADirectory => "a part of its path is a file, not a folder, so check the path".into(),
        ErrorKind::PermissionDenied => "its permissions do not allow it, so change them or use another place".into(),
        ErrorKind::StorageFull => "the disk is full, so make room or use another place".into(),
        _ => error.to_string(),
    }
}

/// Why the file or folder at a path could not be read or written: some systems call it a matter of permissions that a folder
/// is no file.
pub fn reason_at(path: &Path, error: &Error) -> String {
    if error.kind() == ErrorKind::PermissionDenied && path.is_dir() {
        return reason(&ErrorKind::IsADirectory.into());
    }
    reason(error)
}

/// A word of a command line as it is typed at a shell of this system: in quotes where it has blanks or anything else that the
/// shell would not take for itself.
pub fn typed(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_-./:\\,+@%=".contains(c) && (cfg!(windows) || c != '\\');
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else if cfg!(windows) {
        format!("\"{word}\"")
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// Writes a file whole or not at all: beside its place first, under a name of this process.
///
/// # Errors
/// It cannot be written; what is there stays.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let mut part = path.as_os_str().to_owned();
    part.push(format!(".{}.part", std::process::id()));
    fs::write(&part, bytes).and_then(|()| fs::rename(&part, path)).inspect_err(|_| {
        // Half a file is of no use; if it cannot be removed either, the first answer still says more.
        let _ = fs::remove_file(&part);
    })
}

/// A path as seen from a folder, or absolute where no relative path leads there, as between drives.
pub(crate) fn relative(path: &Path, folder: &Path) -> PathBuf {
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let (path, folder) = (absolute(path), absolute(folder));
    pathdiff::diff_paths(&path, folder).unwrap_or(path)
}

/// A relative path seen from a folder. Each `..` takes away the folder before it where that leads to the same file, so
/// that messages show the short form.
pub(crate) fn joined(folder: &Path, path: &Path) -> PathBuf {
    let long = folder.join(path);
    let mut short = PathBuf::new();
    for part in long.components() {
        let above = matches!(short.components().next_back(), Some(Component::Normal(_)));
        match part {
            Component::ParentDir if above => {
                short.pop();
            }
            Component::CurDir => {}
            part => short.push(part),
        }
    }
    if short.exists() || !long.exists() { short } else { long }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_a_shell_would_split_them() {
        assert_eq!(typed("runs/digits-001"), "runs/digits-001");
        let quoted = |word: &str| typed(word) != word;
        for word in ["my run", "", "a&b", "$HOME", "a(1)"] {
            assert!(quoted(word), "{word}");
        }
        if cfg!(unix) {
            assert_eq!((typed("my run"), typed("it's")), ("'my run'".into(), "'it'\\''s'".into()));
            assert!(quoted("a\\b"));
        }
    }

    #[test]
    fn a_folder_is_named_as_one() {
        let denied = Error::from(ErrorKind::PermissionDenied);
        assert!(reason_at(Path::new("."), &denied).contains("folder"));
        assert!(reason_at(Path::new("nowhere"), &denied).contains("permissions"));
    }
}
