//! What the system says of a file, in words for the user.

use std::io::{Error, ErrorKind};

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
