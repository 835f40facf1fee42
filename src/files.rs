//! What the system says of a file, in words for the user; writing a file whole or not at all; naming a file from a folder.

use std::fs::{self, File};
use std::io::{Error, ErrorKind, Write};
use std::path::{Component, Path, PathBuf};

/// Why a file could not be read or written, and what to do.
pub fn reason(error: &Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "there is no such file or folder, so check the path".into(),
        ErrorKind::IsADirectory => "it is a folder, so give a file in it".into(),
        ErrorKind::NotADirectory => "a part of its path is a file, not a folder, so check the path".into(),
        ErrorKind::PermissionDenied => "its permissions do not allow it, so change them or use another place".into(),
        ErrorKind::StorageFull => "the disk is full, so make room or use another place".into(),
        ErrorKind::QuotaExceeded => "your share of the disk is full, so make room or use another place".into(),
        ErrorKind::FileTooLarge => "it would be larger than this system allows here, so raise the limit".into(),
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

/// Whether there was no room to write. The fault is then not the user's input: the same command works with more room.
pub fn is_full(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge)
}

/// The end of the name of a file that is not whole yet.
const PART: &str = ".part";

/// Writes a file whole or not at all: beside its place first, under a name of this process. The disk holds it when this
/// returns, so that no loss of power leaves half of it, or the name without the content.
///
/// # Errors
/// It cannot be written; what is there stays.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let mut part = path.as_os_str().to_owned();
    part.push(format!(".{}{PART}", std::process::id()));
    let written = File::create(&part).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.and_then(|()| fs::rename(&part, path)).inspect_err(|_| {
        // Half a file is of no use; if it cannot be removed either, the first answer still says more.
        let _ = fs::remove_file(&part);
    })?;
    sync_folder(path.parent().unwrap_or(Path::new("")));
    Ok(())
}

/// Has the disk hold the names in a folder. Only Unix can be asked to; a file system that refuses has nothing better.
fn sync_folder(folder: &Path) {
    if cfg!(unix) {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
    }
}

/// Whether a name is that of a file which [`replace`] began for one of `names`, and which a kill left behind.
pub fn is_part_of(name: &str, names: &[&str]) -> bool {
    let inner = name.strip_suffix(PART).and_then(|rest| rest.rsplit_once('.'));
    inner.is_some_and(|(file, process)| {
        names.contains(&file) && !process.is_empty() && process.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// How a file in `folder` names `path`: relative to the folder, so that both can be moved together, unless they have no
/// folder in common but the root; then absolute. Parts stand between `/`. `None` if a part is no Unicode.
///
/// # Errors
/// One of them is not there.
pub(crate) fn name_from(folder: &Path, path: &Path) -> Result<Option<String>, Error> {
    let (folder, path) = (real(folder, true)?, real(path, false)?);
    let mut common = folder.components().zip(path.components()).take_while(|(a, b)| a == b);
    let near = common.any(|(part, _)| matches!(part, Component::Normal(_)));
    let named = if near { pathdiff::diff_paths(&path, &folder).unwrap_or(path) } else { path };
    let parts: Option<Vec<&str>> = named.iter().map(|part| part.to_str()).collect();
    Ok(match parts {
        Some(parts) if parts.is_empty() => Some(".".to_owned()),
        Some(parts) if near => Some(parts.join("/")),
        _ => named.to_str().map(str::to_owned),
    })
}

/// A path from the root. Unix takes `..` from where a link leads, so links are followed; but the last part of a path keeps
/// its name unless `whole` is wanted. Windows takes `..` by the text, and following links there changes a path's form.
fn real(path: &Path, whole: bool) -> Result<PathBuf, Error> {
    if cfg!(windows) {
        fs::metadata(path)?;
        return std::path::absolute(path);
    }
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) if !whole => {
            fs::metadata(path)?;
            let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
            Ok(fs::canonicalize(parent)?.join(name))
        }
        _ => fs::canonicalize(path),
    }
}

/// The path that a file in `folder` means by `name`, without `..` where the shorter path is the same file.
pub(crate) fn path_from(folder: &Path, name: &str) -> PathBuf {
    let joined = folder.join(name);
    let mut short = PathBuf::new();
    for part in joined.components() {
        match part {
            Component::ParentDir if matches!(short.components().next_back(), Some(Component::Normal(_))) => {
                short.pop();
            }
            part => short.push(part),
        }
    }
    if short.as_os_str().is_empty() {
        short.push(".");
    }
    let same = fs::canonicalize(&short).and_then(|short| Ok(short == fs::canonicalize(&joined)?));
    if same.unwrap_or(false) { short } else { joined }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_nothing_else_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        for text in ["one", "another"] {
            replace(&path, text.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        fs::create_dir(dir.path().join("folder")).unwrap();
        replace(&dir.path().join("folder"), b"x").unwrap_err();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    }

    #[test]
    fn only_files_of_ours_are_parts() {
        let names = ["last.safetensors", "steps.csv"];
        for part in ["last.safetensors.123.part", "steps.csv.1.part"] {
            assert!(is_part_of(part, &names), "{part}");
        }
        for other in ["last.safetensors", "x.csv.1.part", "steps.csv.part", "steps.csv.1a.part", "steps.csv..part"] {
            assert!(!is_part_of(other, &names), "{other}");
        }
    }

    #[test]
    fn a_path_is_named_from_a_folder_and_found_again() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir_all(at("runs/one")).unwrap();
        fs::write(at("points.csv"), "").unwrap();
        for (folder, path, name) in [
            ("runs/one", "points.csv", "../../points.csv"),
            ("", "points.csv", "points.csv"),
            ("runs/one", "runs", ".."),
            ("runs/one", "runs/one", "."),
        ] {
            let found = name_from(&at(folder), &at(path)).unwrap();
            assert_eq!(found.as_deref(), Some(name), "{path} from {folder}");
            let again = path_from(&at(folder), name);
            assert_eq!(fs::canonicalize(again).unwrap(), fs::canonicalize(at(path)).unwrap());
        }
        assert_eq!(path_from(&at("runs/one"), "../../points.csv"), at("points.csv"));
        assert!(name_from(&at("runs"), &at("nosuch.csv")).is_err());
    }

    /// Where nothing but the root is common, the absolute path says more.
    #[cfg(unix)]
    #[test]
    fn a_path_elsewhere_is_absolute() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(name_from(dir.path(), Path::new("/dev/null")).unwrap().as_deref(), Some("/dev/null"));
    }

    /// `..` of a folder that is a link leads to the folder above where it points.
    #[cfg(unix)]
    #[test]
    fn links_are_followed() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir_all(at("elsewhere/deep/run")).unwrap();
        std::os::unix::fs::symlink(at("elsewhere/deep"), at("runs")).unwrap();
        fs::write(at("points.csv"), "").unwrap();
        let name = name_from(&at("runs/run"), &at("points.csv")).unwrap().unwrap();
        assert_eq!(name, "../../../points.csv");
        let path = path_from(&at("runs/run"), &name);
        assert!(path.is_file(), "{}", path.display());
    }

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
