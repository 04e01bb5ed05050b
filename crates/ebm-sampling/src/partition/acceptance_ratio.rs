//! Bennett's acceptance ratio: the ratio of two partition functions from samples of both densities.

/// Log-ratios `log p*_1(x) - log p*_0(x)` of two unnormalised densities at samples of each, from
/// the same chains again and again.
#[derive(Clone, Debug, Default)]
pub struct PairOfDensities {
    /// At samples of `p_0`, chain by chain, time after time.
    at_first: Vec<f64>,
    /// At samples of `p_1`.
    at_second: Vec<f64>,
}

/// What [`acceptance_ratio`] finds.
#[derive(Clone, Debug)]
pub struct AcceptanceRatio {
    /// `log Z_1 - log Z_0`.
    pub log_ratio: f64,
    /// By how much each chain moved it, to first order; they sum to 0, and the root of the sum of
    /// their squares is the standard error if chains are independent.
    pub influence: Vec<f64>,
}

impl PairOfDensities {
    /// Takes in one value a chain of either density.
    ///
    /// # Panics
    ///
    /// If they differ in number.
    pub fn add(&mut self, at_first: &[f64], at_second: &[f64]) {
        assert_eq!(
            at_first.len(),
            at_second.len(),
            "chains of the two densities differ in number"
        );
        self.at_first.extend(at_first);
        self.at_second.extend(at_second);
    }
}

/// `log Z_1 / Z_0` by Bennett's acceptance ratio (Bennett 1976; Shirts, Bair, Hooker & Pande 2003),
/// of as many samples of the one density as of the other: the `d` with
///
/// ```text
/// sum_i sigmoid(f(x_i) - d) = sum_j sigmoid(d - f(y_j))
///
/// x_i ~ p_0     y_j ~ p_1     f = log p*_1 - log p*_0
/// ```
///
/// the estimate of least variance that such samples allow.
///
/// Values come as `chains` at a time, so that the error can be told from how chains differ however
/// slowly each moves.
///
/// # What is not finite
///
/// `-inf` at a sample of `p_0` says that it lies where `p_1` is 0, as a base that is wider than the
/// model has them; it counts as a sample. If all do the ratio is `-inf`, and there is no influence
/// (NaN). `+inf` there, or anything that is not finite at a sample of `p_1`, is at no sample of the
/// density that it should be of: the ratio is NaN, as it is of no samples.
///
/// # Panics
///
/// If there are no chains, or the values of a density aren't a whole number for each.
pub fn acceptance_ratio(pair: &PairOfDensities, chains: usize) -> AcceptanceRatio {
    assert!(chains > 0, "an acceptance ratio needs chains, got 0");
    let samples = pair.at_first.len();
    assert!(
        samples.is_multiple_of(chains),
        "expected as many samples of each of {chains} chains, got {samples} in all"
    );
    let no_answer = |log_ratio| AcceptanceRatio {
        log_ratio,
        influence: vec![f64::NAN; chains],
    };
    let within = |f: &&f64| f.is_finite();
    let first_within = pair.at_first.iter().filter(within).count();
    let outside = |f: &&f64| **f == f64::NEG_INFINITY;
    let first_outside = pair.at_first.iter().filter(outside).count();
    if samples == 0 || first_within + first_outside < samples {
        return no_answer(f64::NAN);
    }
    if first_within == 0 && !pair.at_second.iter().any(|f| f.is_nan() || *f > f64::MAX) {
        return no_answer(f64::NEG_INFINITY);
    }
    if !pair.at_second.iter().all(|f| f.is_finite()) {
        return no_answer(f64::NAN);
    }
    let excess = |d: f64| {
        let first: f64 = pair.at_first.iter().map(|f| sigmoid(f - d)).sum();
        let second: f64 = pair.at_second.iter().map(|f| sigmoid(d - f)).sum();
        first - second
    };
    // The excess falls in `d`, from the samples of the one density that lie within the other to
    // minus all of the other; its root lies between the values, lowered by the share that lies
    // outside.
    let share = (first_within as f64 / samples as f64).ln();
    let all = || pair.at_first.iter().chain(&pair.at_second).filter(within);
    let mut low = all().copied().fold(f64::INFINITY, f64::min) + share;
    let mut high = all().copied().fold(f64::NEG_INFINITY, f64::max) + share;
    while high - low > 1e-12 * (1.0 + high.abs().max(low.abs())) {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if excess(middle) > 0.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    let log_ratio = 0.5 * (low + high);

    let mut influence = vec![0.0; chains];
    let mut slope = 0.0;
    for (index, (&f, &g)) in pair.at_first.iter().zip(&pair.at_second).enumerate() {
        let (a, b) = (sigmoid(f - log_ratio), sigmoid(log_ratio - g));
        influence[index % chains] += a - b;
        slope += a * (1.0 - a) + b * (1.0 - b);
    }
    for part in &mut influence {
        *part /= slope;
    }
    AcceptanceRatio {
        log_ratio,
        influence,
    }
}

/// `1 / (1 + e^-x)`.
fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Densities on four states with unnormalised values: samples in exact proportion give the
    /// exact ratio.
    #[test]
    fn exact_proportions_give_the_exact_ratio() {
        let (first, second) = ([1.0, 2.0, 3.0, 2.0], [4.0_f64, 2.0, 1.0, 5.0]);
        let ratios: Vec<f64> = (0..4).map(|s| f64::ln(second[s] / first[s])).collect();
        // 8 and 12 in all: 24 samples of each.
        let draws = |density: [f64; 4], times: f64| -> Vec<f64> {
            let of = |s: usize| std::iter::repeat_n(ratios[s], (density[s] * times) as usize);
            (0..4).flat_map(of).collect()
        };
        let mut pair = PairOfDensities::default();
        pair.add(&draws(first, 3.0), &draws(second, 2.0));
        let found = acceptance_ratio(&pair, 24);
        assert!((found.log_ratio - 1.5_f64.ln()).abs() < 1e-10, "{found:?}");
        let sum: f64 = found.influence.iter().sum();
        assert!(sum.abs() < 1e-9, "{sum}");
    }

    #[test]
    fn constant_ratios_are_the_ratio() {
        let mut pair = PairOfDensities::default();
        pair.add(&[2.5; 3], &[2.5; 3]);
        let found = acceptance_ratio(&pair, 3);
        assert!((found.log_ratio - 2.5).abs() < 1e-10);
        assert!(found.influence.iter().all(|x| x.abs() < 1e-9));
    }

    /// Of four states of weight 1, 1, 2, 4 the second density has the last two alone, of weight 3
    /// and 1.
    #[test]
    fn samples_where_the_second_density_is_zero_count() {
        let ratios = [
            f64::NEG_INFINITY,
            f64::NEG_INFINITY,
            1.5_f64.ln(),
            -4.0_f64.ln(),
        ];
        let draws = |times: [usize; 4]| -> Vec<f64> {
            let of = |s: usize| std::iter::repeat_n(ratios[s], times[s]);
            (0..4).flat_map(of).collect()
        };
        let mut pair = PairOfDensities::default();
        pair.add(&draws([1, 1, 2, 4]), &draws([0, 0, 6, 2]));
        let found = acceptance_ratio(&pair, 8);
        assert!((found.log_ratio - 0.5_f64.ln()).abs() < 1e-10, "{found:?}");
        let sum: f64 = found.influence.iter().sum();
        assert!(sum.abs() < 1e-9, "{sum}");
        assert!(found.influence.iter().any(|x| x.abs() > 0.01), "{found:?}");
    }

    /// The root is where the share of samples within the second density puts it, outside of all
    /// values.
    #[test]
    fn a_constant_ratio_is_lowered_by_the_share_within() {
        let mut pair = PairOfDensities::default();
        pair.add(
            &[2.5, f64::NEG_INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY],
            &[2.5; 4],
        );
        let found = acceptance_ratio(&pair, 4);
        assert!((found.log_ratio - (2.5 - 4.0_f64.ln())).abs() < 1e-10);
    }

    #[test]
    fn nothing_within_the_second_density_is_nothing() {
        for second in [0.5, f64::NEG_INFINITY] {
            let mut pair = PairOfDensities::default();
            pair.add(&[f64::NEG_INFINITY; 2], &[second; 2]);
            let found = acceptance_ratio(&pair, 2);
            assert_eq!(found.log_ratio, f64::NEG_INFINITY);
            assert!(found.influence.iter().all(|x| x.is_nan()));
        }
    }

    #[test]
    #[should_panic(expected = "expected as many samples of each of 2 chains, got 3 in all")]
    fn samples_of_half_the_chains_are_refused() {
        let mut pair = PairOfDensities::default();
        pair.add(&[0.0; 3], &[0.0; 3]);
        let _ = acceptance_ratio(&pair, 2);
    }

    #[test]
    fn what_is_no_number_gives_none() {
        for (first, second) in [
            (1.0, f64::NAN),
            (1.0, f64::INFINITY),
            (1.0, f64::NEG_INFINITY),
            (f64::NAN, 1.0),
            (f64::INFINITY, 1.0),
            (f64::NEG_INFINITY, f64::NAN),
        ] {
            let mut pair = PairOfDensities::default();
            pair.add(&[first], &[second]);
            let found = acceptance_ratio(&pair, 1);
            assert!(found.log_ratio.is_nan(), "{first} {second}");
        }
        let nothing = PairOfDensities::default();
        assert!(acceptance_ratio(&nothing, 2).log_ratio.is_nan());
    }
}
