//! The two containers of `torch.save`: a ZIP archive, and before PyTorch 1.6 a row of pickles and
//! storages.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::io::{Cursor, Read};

use flate2::bufread::DeflateDecoder;
use zip::{CompressionMethod, ZipArchive};

use super::arrays::storages;
use super::pickle::{Pickle, Value};

/// The largest pickle that is read, in bytes. Arrays stand outside of it.
const MOST_PICKLE: usize = 64 << 20;
/// How many times larger than in the file an entry may be, where it is compressed; `torch.save`
/// compresses nothing.
const MOST_INFLATED: u64 = 16;

const ZIP: &[u8] = b"PK\x03\x04";
/// The number that opens a file of PyTorch 0.1.10 to 1.5, in binary and in text.
const MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
const MAGIC_TEXT: &[u8] = b"119547037146038801333356";
/// How far from the start that number may be: protocols put different things before it.
const MAGIC_WITHIN: usize = 64;
/// Where a TAR archive says that it is one.
const TAR: (usize, &[u8]) = (257, b"ustar");
const PROTOCOL: i64 = 1001;

/// Whether a file starts as those of `torch.save` do that no other program writes.
pub(super) fn starts_like_torch(start: &[u8]) -> bool {
    let start = &start[..start.len().min(MAGIC_WITHIN)];
    let holds = |text: &[u8]| start.windows(text.len()).any(|part| part == text);
    start.starts_with(ZIP) || holds(&MAGIC) || holds(MAGIC_TEXT)
}

/// A file of `torch.save`: its object, and the bytes of its storages.
pub(super) struct Container<'a> {
    pub(super) pickle: Pickle,
    storages: Storages<'a>,
}

enum Storages<'a> {
    Zip(Zip<'a>),
    /// By key.
    Legacy(HashMap<String, &'a [u8]>),
}

impl<'a> Container<'a> {
    /// Finds pickle and storages; the storages are looked at when they are asked for.
    ///
    /// # Errors
    ///
    /// A message, if the file is none of `torch.save`, or is damaged.
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, String> {
        if bytes.starts_with(ZIP) {
            let zip = Zip::open(bytes)?;
            zip.check_byte_order()?;
            let pickle = Pickle::read(&zip.entry("data.pkl", MOST_PICKLE)?)?;
            return Ok(Self {
                pickle,
                storages: Storages::Zip(zip),
            });
        }
        if starts_like_torch(bytes) {
            return legacy(bytes);
        }
        let (at, word) = TAR;
        if bytes.get(at..at + word.len()) == Some(word) {
            return Err(
                "it is of a PyTorch before 0.1.10 (TAR): load and save it with a newer one".into(),
            );
        }
        Err("it starts neither as a ZIP archive nor as a file of PyTorch before 1.6".into())
    }

    /// The bytes of a storage, at most `limit`.
    pub(super) fn storage(&self, key: &str, limit: usize) -> Result<Cow<'_, [u8]>, String> {
        match &self.storages {
            Storages::Zip(zip) => zip.entry(&format!("data/{key}"), limit),
            Storages::Legacy(storages) => storages
                .get(key)
                .map(|bytes| Cow::Borrowed(*bytes))
                .ok_or_else(|| format!("there is no storage `{key}`")),
        }
    }
}

/// An archive whose entries lie under one folder.
struct Zip<'a> {
    bytes: &'a [u8],
    entries: BTreeMap<String, Entry>,
}

/// Where the bytes of an entry are.
struct Entry {
    start: u64,
    /// In the file.
    stored: u64,
    /// Inflated.
    size: u64,
    deflated: bool,
    /// 0: none.
    crc32: u32,
}

impl<'a> Zip<'a> {
    fn open(bytes: &'a [u8]) -> Result<Self, String> {
        let damaged = |error: zip::result::ZipError| error.to_string();
        let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(damaged)?;
        // Which of them is meant differs from program to program.
        if archive.has_duplicate_names() {
            return Err("two entries of the archive have one name".into());
        }
        let mut entries = BTreeMap::new();
        let mut stored = 0_u64;
        for index in 0..archive.len() {
            let entry = archive.by_index_raw(index).map_err(damaged)?;
            let name = entry.name().map_err(damaged)?.into_owned();
            let deflated = match entry.compression() {
                CompressionMethod::Stored => false,
                CompressionMethod::DEFLATE => true,
                _ => {
                    return Err(format!(
                        "entry `{name}` is compressed in a way that isn't read"
                    ));
                }
            };
            let place = Entry {
                start: entry
                    .data_start()
                    .ok_or_else(|| format!("entry `{name}` lies nowhere"))?,
                stored: entry.compressed_size(),
                size: entry.size(),
                deflated,
                crc32: entry.crc32(),
            };
            // Many entries of the same bytes would take a checksum of them each.
            stored = stored.saturating_add(place.stored);
            if stored > bytes.len() as u64 {
                return Err(format!(
                    "up to entry `{name}` its entries take {stored} bytes, but the file has {}",
                    bytes.len()
                ));
            }
            if entries.insert(name.clone(), place).is_some() {
                return Err(format!("two entries are called `{name}`"));
            }
        }
        // The folder is called as the file was.
        let root = entries
            .keys()
            .filter_map(|name| name.strip_suffix("data.pkl"))
            .filter(|root| root.is_empty() || root.ends_with('/'))
            .min_by_key(|root| root.len())
            .ok_or("the archive holds no data.pkl")?
            .to_string();
        let entries = entries
            .into_iter()
            .filter_map(|(name, entry)| Some((name.strip_prefix(&root)?.to_string(), entry)))
            .collect();
        Ok(Self { bytes, entries })
    }

    fn check_byte_order(&self) -> Result<(), String> {
        if !self.entries.contains_key("byteorder") {
            return Ok(());
        }
        match &*self.entry("byteorder", 16)? {
            b"little" => Ok(()),
            other => Err(format!(
                "its numbers are `{}`-endian, expected `little`",
                other.escape_ascii()
            )),
        }
    }

    /// The bytes of an entry, as they are in the file if they aren't compressed.
    fn entry(&self, name: &str, limit: usize) -> Result<Cow<'a, [u8]>, String> {
        let entry = self
            .entries
            .get(name)
            .ok_or_else(|| format!("the archive holds no `{name}`"))?;
        if entry.size > limit as u64 {
            return Err(format!(
                "entry `{name}` takes {} bytes, expected at most {limit}",
                entry.size
            ));
        }
        let stored = usize::try_from(entry.start)
            .ok()
            .zip(usize::try_from(entry.stored).ok())
            .and_then(|(start, length)| self.bytes.get(start..start.checked_add(length)?))
            .ok_or_else(|| format!("entry `{name}` reaches beyond the end of the file"))?;
        let content = if entry.deflated {
            if entry.size > entry.stored.saturating_mul(MOST_INFLATED) {
                return Err(format!(
                    "entry `{name}` says that its {} bytes inflate to {}: save it with torch.save, which compresses nothing",
                    entry.stored, entry.size
                ));
            }
            let mut content = Vec::new();
            DeflateDecoder::new(stored)
                .take(entry.size.saturating_add(1))
                .read_to_end(&mut content)
                .map_err(|error| format!("entry `{name}` can't be inflated ({error})"))?;
            Cow::Owned(content)
        } else {
            Cow::Borrowed(stored)
        };
        if content.len() as u64 != entry.size {
            return Err(format!(
                "entry `{name}` isn't of the {} bytes that it says",
                entry.size
            ));
        }
        // PyTorch can be told to write none.
        if entry.crc32 != 0 && crc32fast::hash(&content) != entry.crc32 {
            return Err(format!("the checksum of entry `{name}` is wrong"));
        }
        Ok(content)
    }
}

/// Pickles of a number, a version, the system and the object, then one of the keys of the storages,
/// which follow.
fn legacy(bytes: &[u8]) -> Result<Container<'_>, String> {
    let mut rest = bytes;
    let mut next = || -> Result<Pickle, String> {
        let pickle = Pickle::read(&rest[..rest.len().min(MOST_PICKLE)])?;
        rest = &rest[pickle.length..];
        Ok(pickle)
    };
    next()?;
    let version = next()?;
    if !matches!(version.get(version.root), Value::Int(PROTOCOL)) {
        return Err(format!("it is of another version, expected {PROTOCOL}"));
    }
    let system = next()?;
    let little = match system.get(system.root) {
        Value::Dict(entries) => entries.iter().any(|&(key, value)| {
            system.key(key).as_deref() == Some("little_endian")
                && matches!(system.get(value), Value::Bool(true))
        }),
        _ => false,
    };
    if !little {
        return Err("it doesn't say that its numbers are little-endian".into());
    }
    let pickle = next()?;
    let keys = next()?;
    let sizes = storages(&pickle)?;
    let Value::List(order) = keys.get(keys.root) else {
        return Err("the keys of its storages are no list".into());
    };
    let mut found = HashMap::new();
    for &key in order {
        let key = keys.key(key).ok_or("the key of a storage is no text")?;
        let (count, width) = *sizes
            .get(&key)
            .ok_or_else(|| format!("nothing uses its storage `{key}`"))?;
        let length = rest.get(..8).map(|length| {
            length
                .iter()
                .rev()
                .fold(0_u64, |number, &byte| (number << 8) | u64::from(byte))
        });
        let length = length
            .ok_or_else(|| format!("the file ends before storage `{key}`, which it lists"))?;
        if length != count as u64 {
            return Err(format!(
                "storage `{key}` holds {length} numbers, but its arrays say {count}"
            ));
        }
        let end = count
            .checked_mul(width)
            .and_then(|bytes| bytes.checked_add(8));
        let (storage, after) = end
            .and_then(|end| Some((rest.get(8..end)?, rest.get(end..)?)))
            .ok_or_else(|| format!("storage `{key}` reaches beyond the end of the file"))?;
        rest = after;
        if found.insert(key.clone(), storage).is_some() {
            return Err(format!("two storages are called `{key}`"));
        }
    }
    Ok(Container {
        pickle,
        storages: Storages::Legacy(found),
    })
}
