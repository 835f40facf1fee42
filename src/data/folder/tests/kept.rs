//! Decoded pictures are kept and taken again, unless a file has changed or what is kept is damaged.

use crate::data::folder::filed::Filed;
use crate::data::folder::kept::{Decoded, Kept};
use crate::data::opened::Opened;
use crate::data::{Options, PictureOptions, open};
use image::{Rgb, RgbImage};
use std::fs;
use std::path::{Path, PathBuf};

/// Pictures of some megabytes.
fn save(folder: &Path, name: &str, seed: u32) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    RgbImage::from_fn(900, 900, |x, y| Rgb([x as u8, y as u8, (x * y + seed) as u8])).save(path).unwrap();
}

fn opened(folder: &Path, cache: &Path, pictures: PictureOptions) -> Opened {
    let options = Options { pictures, cache: Some(cache), ..Options::default() };
    open(folder.to_str().unwrap(), &options, None).unwrap()
}

fn files(cache: &Path) -> Vec<PathBuf> {
    fs::read_dir(cache.join("pictures")).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn what_was_decoded_is_taken_again_until_a_file_changes() {
    let dir = tempfile::tempdir().unwrap();
    let (folder, cache) = (dir.path().join("photos"), dir.path().join("cache"));
    save(&folder, "a/1.bmp", 1);
    save(&folder, "b/1.bmp", 2);
    let (crop, scale) = ("16".parse().ok(), "20..24".parse().ok());
    let options = PictureOptions { crop, scale, ..PictureOptions::default() };
    let first = opened(&folder, &cache, options);
    assert_eq!((files(&cache).len(), first.pool.as_ref().map(|pool| pool.places.len())), (1, Some(2)));
    assert_eq!(opened(&folder, &cache, options), first);
    let kept = || Kept::of(Some(&cache), &folder, &Filed::of(&folder).unwrap(), &options).unwrap();
    let decoded = kept().read().unwrap();
    let marked = Decoded { notes: vec!["as it was kept".to_owned()], ..decoded };
    kept().write(&marked);
    assert_eq!(opened(&folder, &cache, options).notes, marked.notes);
    // Damage anywhere is seen, and the pictures are decoded and kept anew.
    let file = files(&cache).remove(0);
    let bytes = fs::read(&file).unwrap();
    for at in [0, 9, 17, 30, bytes.len() / 2, bytes.len() - 1] {
        let mut bad = bytes.clone();
        bad[at] ^= 1;
        fs::write(&file, &bad).unwrap();
        assert_eq!(kept().read(), None, "byte {at}");
    }
    for length in [0, 7, 24, bytes.len() - 1] {
        fs::write(&file, &bytes[..length]).unwrap();
        assert_eq!(kept().read(), None, "{length} bytes");
    }
    assert_eq!(opened(&folder, &cache, options), first);
    assert_eq!(kept().read().unwrap().notes, first.notes);
    // Another way of seeing, or another file, is another entry.
    let whole = opened(&folder, &cache, PictureOptions::default());
    assert_eq!((whole.rows(), whole.pool.is_none(), files(&cache).len()), (2, true, 2));
    save(&folder, "b/1.bmp", 3);
    assert!(opened(&folder, &cache, options) != first);
    assert_eq!(files(&cache).len(), 3);
    // Without a folder nothing is kept, and few bytes are not worth it.
    assert!(Kept::of(None, &folder, &Filed::of(&folder).unwrap(), &options).is_none());
    fs::remove_file(folder.join("b/1.bmp")).unwrap();
    RgbImage::new(4, 4).save(folder.join("b/1.bmp")).unwrap();
    assert!(Kept::of(Some(&cache), &folder, &Filed::of(&folder).unwrap(), &options).is_none());
}
