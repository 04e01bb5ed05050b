//! Whether a PNG or JPEG file is all there: decoders make up what is missing from a file that was
//! cut, or don't look.

/// The first bytes of a PNG file.
const PNG_SIGNATURE: [u8; 8] = *b"\x89PNG\r\n\x1a\n";

/// Bytes of a PNG chunk beside its data: length, type, checksum.
const CHUNK: usize = 12;

/// Second bytes of JPEG markers (ITU-T T.81, table B.1).
const START_OF_IMAGE: u8 = 0xd8;
const END_OF_IMAGE: u8 = 0xd9;
const START_OF_SCAN: u8 = 0xda;
const TEMPORARY: u8 = 0x01;
const RESTART_INTERVAL: u8 = 0xdd;
const BASELINE: u8 = 0xc0;
const EXTENDED: u8 = 0xc1;

/// What a look at the markers of a whole JPEG shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Markers {
    /// Whether they follow each other without stray bytes between them.
    pub(super) are_tidy: bool,
    /// Where the data end, if they are one scan of a sequential image without restarts.
    pub(super) end_of_one_scan: Option<usize>,
}

/// Whether a byte is the second one of a restart marker, which lies among the data of a scan.
fn is_restart(marker: u8) -> bool {
    (0xd0..=0xd7).contains(&marker)
}

/// Finds out whether a PNG goes on to its last chunk, with right checksums of all chunks that an
/// image can't do without. Bytes after the last chunk don't matter.
///
/// # Errors
/// What is wrong, in words.
pub(super) fn check_png(bytes: &[u8]) -> Result<(), &'static str> {
    const CUT: &str = "it ends before its last chunk";
    let mut rest = bytes.strip_prefix(&PNG_SIGNATURE).ok_or("no signature")?;
    loop {
        let (length, _) = rest.split_first_chunk::<4>().ok_or(CUT)?;
        let length = u32::from_be_bytes(*length) as usize;
        let chunk = rest.get(..length.saturating_add(CHUNK)).ok_or(CUT)?;
        let (covered, checksum) = chunk[4..].split_last_chunk::<4>().ok_or(CUT)?;
        // A capital first letter: critical.
        let is_critical = covered[0].is_ascii_uppercase();
        if is_critical && crc32fast::hash(covered) != u32::from_be_bytes(*checksum) {
            return Err("a checksum is wrong");
        }
        if covered.starts_with(b"IEND") {
            return Ok(());
        }
        rest = &rest[chunk.len()..];
    }
}

/// Finds out whether a JPEG has data and goes on to its end marker; what follows that doesn't
/// matter, as cameras put further images there.
///
/// # Errors
/// What is wrong, in words.
pub(super) fn check_jpeg(bytes: &[u8]) -> Result<Markers, &'static str> {
    const CUT: &str = "it ends before its end marker";
    let mut at = 2;
    let mut scans = 0;
    let (mut are_tidy, mut is_sequential, mut restarts) = (true, false, false);
    let mut end = None;
    loop {
        let stray = position(bytes, at, |byte| byte == 0xff).ok_or(CUT)?;
        // A marker may be filled up by any number of 0xff before it.
        let marker = position(bytes, stray, |byte| byte != 0xff).ok_or(CUT)?;
        are_tidy &= stray == at;
        at = marker + 1;
        match bytes[marker] {
            END_OF_IMAGE if scans > 0 => {
                let is_simple = scans == 1 && is_sequential && !restarts;
                return Ok(Markers {
                    are_tidy,
                    end_of_one_scan: end.filter(|_| is_simple),
                });
            }
            END_OF_IMAGE => return Err("it holds no data of an image"),
            0x00 => are_tidy = false,
            START_OF_IMAGE | TEMPORARY => {}
            restart if is_restart(restart) => {}
            kind => {
                let length = bytes.get(at..at + 2).ok_or(CUT)?;
                let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
                at += length.max(2);
                is_sequential |= matches!(kind, BASELINE | EXTENDED);
                restarts |= kind == RESTART_INTERVAL;
                if kind == START_OF_SCAN {
                    scans += 1;
                    at = end_of_scan(bytes, at).ok_or(CUT)?;
                    end = Some(at);
                }
            }
        }
    }
}

/// Where the data of a scan that start at `at` end, and the next marker starts.
fn end_of_scan(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at = position(bytes, at, |byte| byte == 0xff)?;
        match *bytes.get(at + 1)? {
            // A byte 0xff of the data is followed by a zero.
            0x00 => at += 2,
            restart if is_restart(restart) => at += 2,
            // Filled up.
            0xff => at += 1,
            _ => return Some(at),
        }
    }
}

/// The place of the first such byte from `at` on.
fn position(bytes: &[u8], at: usize, is_sought: impl Fn(u8) -> bool) -> Option<usize> {
    let found = bytes.get(at..)?.iter().position(|&byte| is_sought(byte))?;
    Some(at + found)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Cursor;

    use image::{GrayImage, ImageFormat, Luma};

    use super::*;

    fn encoded(format: ImageFormat) -> Vec<u8> {
        let image = GrayImage::from_fn(21, 13, |x, y| Luma([(x * 11 + y * y) as u8]));
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn a_png_cut_anywhere_is_not_whole() {
        let png = encoded(ImageFormat::Png);
        assert_eq!(check_png(&png), Ok(()));
        assert_eq!(check_png(&[&png[..], b"more"].concat()), Ok(()));
        for length in 0..png.len() {
            assert!(check_png(&png[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn a_changed_byte_of_a_critical_chunk_is_noticed() {
        let png = encoded(ImageFormat::Png);
        let data = png.windows(4).position(|name| name == b"IDAT").unwrap();
        for place in [16, 20, data + 5, data + 20] {
            let mut bad = png.clone();
            bad[place] ^= 4;
            assert_eq!(check_png(&bad), Err("a checksum is wrong"), "{place}");
        }
    }

    #[test]
    fn a_jpeg_cut_anywhere_is_not_whole() {
        let jpeg = encoded(ImageFormat::Jpeg);
        let markers = check_jpeg(&jpeg).unwrap();
        assert!(markers.are_tidy);
        assert_eq!(markers.end_of_one_scan, Some(jpeg.len() - 2));
        for length in 0..jpeg.len() {
            assert!(check_jpeg(&jpeg[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn what_cameras_do_to_jpegs_does_not_matter() {
        let jpeg = encoded(ImageFormat::Jpeg);
        let is_tidy = |bytes: &[u8]| check_jpeg(bytes).map(|markers| markers.are_tidy);
        // A whole small JPEG inside a segment, and another image after the end.
        let length = (jpeg.len() as u16 + 2).to_be_bytes();
        let preview = [&[0xff, 0xe1], &length[..], &jpeg].concat();
        let nested = [&jpeg[..2], &preview, &jpeg[2..], &jpeg].concat();
        assert_eq!(is_tidy(&nested), Ok(true));
        // Without the end of its own, that of the preview doesn't count.
        let cut = [&jpeg[..2], &preview, &jpeg[2..jpeg.len() - 2]].concat();
        assert!(check_jpeg(&cut).is_err());
        let filled = [&jpeg[..2], &[0xff; 3], &jpeg[2..]].concat();
        assert_eq!(is_tidy(&filled), Ok(true));
        let stray = [&jpeg[..2], &[1, 2, 3], &jpeg[2..]].concat();
        assert_eq!(is_tidy(&stray), Ok(false));
    }

    #[test]
    fn a_jpeg_without_data_is_no_image() {
        let jpeg = encoded(ImageFormat::Jpeg);
        let scan = jpeg.windows(2).position(|two| two == [0xff, START_OF_SCAN]);
        let headers = [&jpeg[..scan.unwrap()], &[0xff, END_OF_IMAGE]].concat();
        assert_eq!(check_jpeg(&headers), Err("it holds no data of an image"));
    }
}
