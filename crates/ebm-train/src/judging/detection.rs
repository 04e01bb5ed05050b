//! How well energies tell one set of examples from another: AUROC, and false positives at a given
//! acceptance.

/// The area under the ROC curve of the energy as a detector of outliers,
///
/// ```text
/// P(E(outlier) > E(inlier)) + P(E(outlier) = E(inlier)) / 2
/// ```
///
/// over all pairs: 1 where every outlier lies above every inlier, 1/2 where the energy doesn't tell
/// them apart, below where it prefers outliers. Equal to the Mann-Whitney statistic over the number
/// of pairs (Hanley & McNeil 1982), and found from it in `O(n log n)`.
///
/// `None` if a set is empty or an energy is not a number.
pub fn auroc(inliers: &[f32], outliers: &[f32]) -> Option<f64> {
    let inliers = sort(inliers)?;
    let outliers = sort(outliers)?;
    // Twice the number of pairs won, ties once: whole numbers, and exact up to 2^64.
    let (mut below, mut not_above, mut halves) = (0, 0, 0_u64);
    for &outlier in &outliers {
        below += count(&inliers[below..], |inlier| inlier < outlier);
        not_above += count(&inliers[not_above..], |inlier| inlier <= outlier);
        halves += (below + not_above) as u64;
    }
    let pairs = inliers.len() as f64 * outliers.len() as f64;
    Some(halves as f64 / 2.0 / pairs)
}

/// The share of outliers that are accepted where the energy accepts `acceptance` of the inliers:
/// with 0.95, FPR@95 (also FPR95; Hendrycks & Gimpel 2017).
///
/// The threshold is the smallest energy of an inlier at or below which lie at least `acceptance` of
/// the inliers, and an example is accepted at or below it, as scikit-learn's `roc_curve` counts. 0
/// is best, 1 worst.
///
/// `None` if a set is empty or an energy is not a number.
///
/// # Panics
///
/// If `acceptance` isn't in `(0, 1]`.
pub fn false_positive_rate(inliers: &[f32], outliers: &[f32], acceptance: f64) -> Option<f64> {
    assert!(
        acceptance > 0.0 && acceptance <= 1.0,
        "an acceptance must be above 0 and at most 1, found {acceptance}"
    );
    let inliers = sort(inliers)?;
    let outliers = sort(outliers)?;
    let accepted = (acceptance * inliers.len() as f64).ceil() as usize;
    let threshold = inliers[accepted.clamp(1, inliers.len()) - 1];
    let below = count(&outliers, |outlier| outlier <= threshold);
    Some(below as f64 / outliers.len() as f64)
}

/// The energies in rising order; `None` if there are none, or one isn't a number.
fn sort(energies: &[f32]) -> Option<Vec<f32>> {
    if energies.is_empty() || energies.iter().any(|energy| energy.is_nan()) {
        return None;
    }
    let mut energies = energies.to_vec();
    energies.sort_unstable_by(f32::total_cmp);
    Some(energies)
}

/// How many leading values satisfy what only leading values do.
fn count(values: &[f32], holds: impl Fn(f32) -> bool) -> usize {
    values.iter().take_while(|&&value| holds(value)).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ebm_ops::Noise;

    /// The definition, pair by pair.
    fn quadratic(inliers: &[f32], outliers: &[f32]) -> f64 {
        let mut sum = 0.0;
        for outlier in outliers {
            for inlier in inliers {
                sum += match outlier.partial_cmp(inlier) {
                    Some(std::cmp::Ordering::Greater) => 1.0,
                    Some(std::cmp::Ordering::Equal) => 0.5,
                    _ => 0.0,
                };
            }
        }
        sum / (inliers.len() * outliers.len()) as f64
    }

    /// Energies from a few levels, so that there are ties; all of them sums of halves, so that both
    /// ways are exact.
    #[test]
    fn auroc_is_its_definition() {
        let mut noise = Noise::new(1);
        for (a, b, levels) in [(1, 1, 2.0), (7, 5, 3.0), (40, 60, 9.0), (128, 64, 1e6)] {
            for shift in [0.0, 1.0, -2.0] {
                let mut draw = |count: usize, shift: f64| -> Vec<f32> {
                    let uniforms = noise.host_uniforms(count).into_iter();
                    uniforms
                        .map(|u| ((u * levels).floor() + shift) as f32)
                        .collect()
                };
                let (inliers, outliers) = (draw(a, 0.0), draw(b, shift));
                let expected = quadratic(&inliers, &outliers);
                let found = auroc(&inliers, &outliers);
                assert!(
                    found.is_some_and(|found| (found - expected).abs() < 1e-12),
                    "{a} and {b} energies: {found:?}, expected {expected}"
                );
            }
        }
    }

    const INLIERS: [f32; 10] = [0.1, 0.4, 0.35, 0.8, -0.2, 0.4, 0.0, 0.55, 0.3, 0.9];
    const OUTLIERS: [f32; 8] = [0.4, 0.7, 0.2, 1.3, 0.85, 0.35, 0.95, 0.9];

    /// `roc_auc_score` of scikit-learn 1.9.1 on these energies, and the first `fpr` of `roc_curve`
    /// (outliers as the negative class, minus the energy as the score) whose `tpr` reaches the
    /// acceptance.
    #[test]
    fn the_values_are_those_of_scikit_learn() {
        assert_eq!(auroc(&INLIERS, &OUTLIERS), Some(0.75));
        for (acceptance, expected) in [
            (0.5, 0.25),
            (0.75, 0.375),
            (0.8, 0.375),
            (0.95, 0.75),
            (1.0, 0.75),
        ] {
            let found = false_positive_rate(&INLIERS, &OUTLIERS, acceptance);
            assert_eq!(found, Some(expected), "at {acceptance}");
        }
    }

    #[test]
    fn sets_that_do_not_overlap_are_told_apart() {
        assert_eq!(auroc(&[1.0, 2.0], &[3.0, f32::INFINITY]), Some(1.0));
        assert_eq!(auroc(&[3.0, 4.0], &[1.0]), Some(0.0));
        assert_eq!(auroc(&[1.0; 5], &[1.0; 7]), Some(0.5));
        assert_eq!(auroc(&[0.0], &[-0.0]), Some(0.5));
        assert_eq!(false_positive_rate(&[1.0, 2.0], &[3.0], 0.95), Some(0.0));
        assert_eq!(false_positive_rate(&[3.0, 4.0], &[1.0], 0.95), Some(1.0));
    }

    #[test]
    fn what_is_no_number_has_no_place() {
        assert_eq!(auroc(&[], &[1.0]), None);
        assert_eq!(auroc(&[1.0], &[]), None);
        assert_eq!(auroc(&[1.0], &[f32::NAN]), None);
        assert_eq!(false_positive_rate(&[f32::NAN], &[1.0], 0.95), None);
    }
}
