//! Whether this machine could hold what a configuration asks for, before it is allocated: an allocation that fails aborts.

/// Whether the system would give memory for so many `f32` values at once. Nothing is touched, let alone kept.
pub(crate) fn fits(values: u128) -> bool {
    usize::try_from(values)
        .ok()
        .and_then(|values| values.checked_mul(size_of::<f32>()))
        .is_some_and(|bytes| Vec::<u8>::new().try_reserve_exact(bytes).is_ok())
}

/// The memory of so many `f32` values, in words.
pub(crate) fn amount(values: u128) -> String {
    let gigabytes = values.saturating_mul(4) as f64 / 1e9;
    format!("{gigabytes:.1} GB")
}

/// The product of sizes.
pub(crate) fn product(sizes: &[usize]) -> u128 {
    sizes
        .iter()
        .fold(1, |total, &size| u128::saturating_mul(total, size as u128))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_fits_and_an_exabyte_does_not() {
        assert!(fits(1024));
        assert!(!fits(product(&[1 << 30, 1 << 30])));
        assert!(!fits(product(&[usize::MAX; 3])));
        assert_eq!(amount(250_000_000), "1.0 GB");
    }
}
