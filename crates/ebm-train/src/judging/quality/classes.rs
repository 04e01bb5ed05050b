//! Which classes samples are taken for, and how evenly they cover them.

/// The share of each class among predictions: `[classes]`, which sum to 1; zeros of no predictions.
///
/// # Panics
///
/// If a prediction isn't below `classes`.
pub fn class_shares(predictions: &[usize], classes: usize) -> Vec<f64> {
    let mut counts = vec![0usize; classes];
    for &class in predictions {
        counts[class] += 1;
    }
    let total = predictions.len().max(1) as f64;
    counts
        .into_iter()
        .map(|count| count as f64 / total)
        .collect()
}

/// The entropy of shares, `-sum_k p_k ln p_k`, in nats: from 0 where one class has all to `ln K`
/// where all `K` have as much.
pub fn entropy(shares: &[f64]) -> f64 {
    let terms = shares.iter().filter(|share| **share > 0.0);
    // Of one share of 1 not minus 0.
    terms.map(|share| share * share.ln()).sum::<f64>().abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_counted_and_their_entropy_is_that_of_the_textbook() {
        let shares = class_shares(&[2, 0, 2, 2], 4);
        assert_eq!(shares, [0.25, 0.0, 0.75, 0.0]);
        let expected = 0.25 * 4f64.ln() + 0.75 * (4.0f64 / 3.0).ln();
        assert!((entropy(&shares) - expected).abs() < 1e-15);
        assert!((entropy(&[0.1; 10]) - 10f64.ln()).abs() < 1e-12);
        assert_eq!(entropy(&[1.0, 0.0]).to_bits(), 0f64.to_bits());
        assert_eq!(class_shares(&[], 2), [0.0, 0.0]);
    }
}
