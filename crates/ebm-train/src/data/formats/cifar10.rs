//! CIFAR-10 in its binary version: records of one label and three colour planes.
//!
//! Source: A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009; layout as
//! described on <https://www.cs.toronto.edu/~kriz/cifar.html>, "Binary version".

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use super::{Format, find_file, require_folder};
use crate::data::{DataError, Images, Labels, ReadOptions, Split};
use crate::files::input_file::{self, read_text};

/// `[channels, height, width]`.
const SHAPE: [usize; 3] = [3, 32, 32];

/// Pixels of one image.
const PIXELS: usize = SHAPE[0] * SHAPE[1] * SHAPE[2];

/// Bytes of one record: the label, then the red, green and blue planes.
const RECORD: usize = 1 + PIXELS;

const CLASSES: usize = 10;

/// More than any list of names takes.
const MAX_NAMES: u64 = 1 << 20;

/// The folder that the archive unpacks into.
const SUB_FOLDER: &str = "cifar-10-batches-bin";

/// CIFAR-10, binary version: `data_batch_1.bin` to `data_batch_5.bin`, and `test_batch.bin`, in the
/// folder or in its sub-folder `cifar-10-batches-bin`; the names of the classes from
/// `batches.meta.txt` if that is there.
///
/// # Shapes
/// `[count, 3, 32, 32]`, labels 0 to 9; the batches follow each other in the order of their
/// numbers.
///
/// Images whose bytes are nothing but 0 and 1 are masks, which become 0 and 255. Names that can't
/// be used are said by a warning and left out: labels are read without them.
#[derive(Debug, Clone, Copy)]
pub struct Cifar10;

impl Format for Cifar10 {
    fn name(&self) -> &'static str {
        "CIFAR-10"
    }

    fn looked_for(&self) -> String {
        "CIFAR-10, binary version (data_batch_1.bin to data_batch_5.bin, test_batch.bin)".into()
    }

    fn is_in(&self, folder: &Path) -> Result<bool, DataError> {
        Ok(locate(folder).is_some())
    }

    /// Reads one split.
    ///
    /// # Errors
    /// [`DataError::NotFound`] if a batch is missing, [`DataError::RecordSize`] if a file isn't a
    /// whole number of records, [`DataError::Empty`] if it holds none,
    /// [`DataError::LabelOutOfRange`] for a label above 9, which shows that the file is of another
    /// kind, [`DataError::WrongShape`], [`DataError::OutOfMemory`], [`DataError::Input`],
    /// [`DataError::Io`].
    fn read(
        &self,
        folder: &Path,
        split: Split,
        options: &ReadOptions,
    ) -> Result<Images, DataError> {
        require_folder(folder)?;
        let folder = locate(folder).unwrap_or_else(|| folder.to_owned());
        let mut batches = Vec::new();
        for name in batch_names(split) {
            let names = [name];
            let path = find_file(&folder, &names).ok_or_else(|| DataError::NotFound {
                path: folder.clone(),
                looked_for: names.to_vec(),
            })?;
            batches.push(Batch::open(path)?);
        }
        let count = batches.iter().map(|batch| batch.records).sum();
        let kept = options.accept(&folder, count, SHAPE, 0)?;
        let mut pixels = Vec::with_capacity(kept * PIXELS);
        let mut labels = Vec::with_capacity(kept);
        let mut brightest = 0;
        for batch in batches {
            brightest = brightest.max(batch.read(kept, &mut pixels, &mut labels)?);
        }
        let images = options.spread(Images::new(pixels, SHAPE)?, brightest, &folder);
        let names = read_names(&folder.join("batches.meta.txt")).unwrap_or_else(|error| {
            tracing::warn!("names of labels are left out: {error}");
            None
        });
        images.with_labels(match names {
            Some(names) => Labels::named(labels, names)?,
            None => Labels::of_classes(labels, CLASSES)?,
        })
    }
}

/// The folder in which the batches lie.
fn locate(folder: &Path) -> Option<PathBuf> {
    let holds_batch = |folder: &PathBuf| {
        let splits = [Split::Train, Split::Test];
        splits
            .iter()
            .flat_map(|&split| batch_names(split))
            .any(|name| find_file(folder, &[name]).is_some())
    };
    [folder.to_owned(), folder.join(SUB_FOLDER)]
        .into_iter()
        .find(holds_batch)
}

fn batch_names(split: Split) -> Vec<String> {
    match split {
        Split::Train => (1..=5)
            .map(|batch| format!("data_batch_{batch}.bin"))
            .collect(),
        Split::Test => vec!["test_batch.bin".into()],
    }
}

/// A file of whole records.
struct Batch {
    path: PathBuf,
    file: File,
    records: usize,
}

impl Batch {
    fn open(path: PathBuf) -> Result<Self, DataError> {
        let (file, length) = input_file::open(&path).map_err(DataError::input(&path))?;
        if length == 0 {
            return Err(DataError::Empty {
                path,
                what: "image".into(),
                hint: "fetch the file again",
            });
        }
        let wrong = || DataError::RecordSize {
            path: path.clone(),
            found: length,
            record: RECORD as u64,
        };
        if !length.is_multiple_of(RECORD as u64) {
            return Err(wrong());
        }
        let records = usize::try_from(length / RECORD as u64).map_err(|_| wrong())?;
        Ok(Self {
            path,
            file,
            records,
        })
    }

    /// Reads all records and keeps them until there are `keep` labels; gives the largest byte of
    /// all images.
    fn read(
        self,
        keep: usize,
        pixels: &mut Vec<u8>,
        labels: &mut Vec<u32>,
    ) -> Result<u8, DataError> {
        let mut file = BufReader::new(self.file);
        let mut bytes = [0; RECORD];
        let mut brightest = 0;
        for record in 0..self.records {
            file.read_exact(&mut bytes)
                .map_err(DataError::io(&self.path))?;
            let [label, image @ ..] = &bytes;
            if usize::from(*label) >= CLASSES {
                return Err(DataError::LabelOutOfRange {
                    path: self.path,
                    record,
                    found: u32::from(*label),
                    classes: CLASSES,
                });
            }
            brightest = brightest.max(image.iter().copied().max().unwrap_or(0));
            if labels.len() < keep {
                labels.push(u32::from(*label));
                pixels.extend_from_slice(image);
            }
        }
        Ok(brightest)
    }
}

/// The names of the classes, one a line; the published file ends in an empty line.
fn read_names(path: &Path) -> Result<Option<Vec<String>>, DataError> {
    if path.symlink_metadata().is_err() {
        return Ok(None);
    }
    let text = read_text(path, MAX_NAMES).map_err(DataError::input(path))?;
    let names: Vec<String> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(String::from)
        .collect();
    if names.len() != CLASSES {
        return Err(DataError::LabelNames {
            path: path.to_owned(),
            found: names.len(),
            expected: CLASSES,
        });
    }
    Ok(Some(names))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    fn load(folder: &TempDir, split: Split) -> Result<Images, DataError> {
        Cifar10.read(folder.path(), split, &ReadOptions::default())
    }

    /// A record whose planes are constant: `red`, `red + 1`, `red + 2`.
    fn record(label: u8, red: u8) -> Vec<u8> {
        let mut record = vec![label];
        for plane in 0..3 {
            record.extend([red + plane; 1024]);
        }
        record
    }

    fn write_train(folder: &Path) {
        for batch in 1..=5u8 {
            let records = [record(batch, 10 * batch), record(0, 100)].concat();
            fs::write(folder.join(format!("data_batch_{batch}.bin")), records).unwrap();
        }
    }

    #[test]
    fn batches_are_joined_in_order() {
        let folder = TempDir::new().unwrap();
        write_train(folder.path());
        let images = load(&folder, Split::Train).unwrap();
        assert_eq!((images.len(), images.shape()), (10, [3, 32, 32]));
        let labels = images.labels().unwrap();
        assert_eq!(labels.indices(), [1, 0, 2, 0, 3, 0, 4, 0, 5, 0]);
        assert_eq!((labels.classes(), labels.names()), (10, None));
        let fifth = images.image(8);
        assert_eq!(
            (fifth[0], fifth[1023], fifth[1024], fifth[3071]),
            (50, 50, 51, 52)
        );
        assert_eq!(images.image(9)[0], 100);
    }

    #[test]
    fn the_sub_folder_and_the_names_are_found() {
        let folder = TempDir::new().unwrap();
        let inner = folder.path().join(SUB_FOLDER);
        fs::create_dir(&inner).unwrap();
        assert!(!Cifar10.is_in(folder.path()).unwrap());
        fs::write(inner.join("test_batch.bin"), record(9, 7)).unwrap();
        fs::write(
            inner.join("batches.meta.txt"),
            "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n",
        )
        .unwrap();
        assert!(Cifar10.is_in(folder.path()).unwrap());
        let images = load(&folder, Split::Test).unwrap();
        let labels = images.labels().unwrap();
        assert_eq!((labels.indices(), labels.classes()), (&[9][..], 10));
        assert_eq!(labels.names().unwrap()[9], "j");
        fs::write(inner.join("batches.meta.txt"), "a\nb\n").unwrap();
        let unnamed = load(&folder, Split::Test).unwrap();
        assert_eq!(unnamed.labels().unwrap().names(), None);
        assert_eq!(unnamed.pixels(), images.pixels());
        let error = read_names(&inner.join("batches.meta.txt")).unwrap_err();
        assert!(
            matches!(
                error,
                DataError::LabelNames {
                    found: 2,
                    expected: 10,
                    ..
                }
            ),
            "{error}"
        );
    }

    #[test]
    fn a_missing_batch_is_named() {
        let folder = TempDir::new().unwrap();
        write_train(folder.path());
        fs::remove_file(folder.path().join("data_batch_3.bin")).unwrap();
        let error = load(&folder, Split::Train).unwrap_err();
        assert!(matches!(&error, DataError::NotFound { .. }), "{error}");
        assert!(
            error
                .to_string()
                .contains("expected one of data_batch_3.bin;"),
            "{error}"
        );
    }

    #[test]
    fn sizes_and_labels_are_checked() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("test_batch.bin");
        let load_bytes = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            load(&folder, Split::Test)
        };
        let error = load_bytes(&record(1, 1)[..3072]).unwrap_err();
        assert!(
            matches!(
                error,
                DataError::RecordSize {
                    found: 3072,
                    record: 3073,
                    ..
                }
            ),
            "{error}"
        );
        let error = load_bytes(&[record(1, 1), vec![0]].concat()).unwrap_err();
        assert!(
            matches!(error, DataError::RecordSize { found: 3074, .. }),
            "{error}"
        );
        let error = load_bytes(&[record(9, 1), record(10, 1)].concat()).unwrap_err();
        assert!(
            matches!(
                error,
                DataError::LabelOutOfRange {
                    record: 1,
                    found: 10,
                    ..
                }
            ),
            "{error}"
        );
        assert!(error.to_string().contains("expected 0 to 9"), "{error}");
        assert!(matches!(
            load_bytes(&[]).unwrap_err(),
            DataError::Empty { .. }
        ));
        assert_eq!(load_bytes(&record(9, 1)).unwrap().len(), 1);
    }
}
