//! Ranks, normal scores and quantiles of draws.

/// The normal scores of all draws by their ranks, `phi^-1((r - 3/8) / (n + 1/4))` (Blom 1958), ties
/// by their average rank.
pub(super) fn normal_scores(chains: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let length = chains[0].len();
    let draws: Vec<f64> = chains.iter().flatten().copied().collect();
    let n = draws.len();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_unstable_by(|&a, &b| draws[a].total_cmp(&draws[b]));
    let mut scores = vec![0.0; n];
    let mut first = 0;
    while first < n {
        let mut last = first;
        while last + 1 < n && draws[order[last + 1]] == draws[order[first]] {
            last += 1;
        }
        // Ranks count from 1.
        let rank = (first + last) as f64 / 2.0 + 1.0;
        let score = normal_quantile((rank - 0.375) / (n as f64 + 0.25));
        for &index in &order[first..=last] {
            scores[index] = score;
        }
        first = last + 1;
    }
    scores.chunks(length).map(<[f64]>::to_vec).collect()
}

/// The quantile `p` of values that are in order, by linear interpolation (Hyndman & Fan 1996, type
/// 7).
///
/// In the sums of `scipy.stats.mstats.mquantiles`, whose rounding decides which of several equal
/// draws lie at or below it.
pub(super) fn quantile(sorted: &[f64], p: f64) -> f64 {
    let n = sorted.len();
    if n == 1 {
        return sorted[0];
    }
    let place = n as f64 * p + (1.0 - p);
    let below = place.floor().clamp(1.0, (n - 1) as f64);
    let share = (place - below).clamp(0.0, 1.0);
    let below = below as usize;
    (1.0 - share) * sorted[below - 1] + share * sorted[below]
}

/// All draws in order.
pub(super) fn sorted(chains: &[Vec<f64>]) -> Vec<f64> {
    let mut draws: Vec<f64> = chains.iter().flatten().copied().collect();
    draws.sort_unstable_by(f64::total_cmp);
    draws
}

/// The quantile function of the standard normal for `0 < p < 1`, relative error about 1e-16
/// (Wichura 1988, algorithm AS 241, PPND16).
fn normal_quantile(p: f64) -> f64 {
    let ratio = |x: f64, above: &[f64; 8], below: &[f64; 7]| {
        let polynomial = |coefficients: &[f64]| {
            let all = coefficients.iter().rev();
            all.fold(0.0, |sum, coefficient| sum * x + coefficient)
        };
        polynomial(above) / (1.0 + x * polynomial(below))
    };
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        return q * ratio(0.180_625 - q * q, &CENTER.0, &CENTER.1);
    }
    let r = (-(if q < 0.0 { p } else { 1.0 - p }).ln()).sqrt();
    let size = if r <= 5.0 {
        ratio(r - 1.6, &MIDDLE.0, &MIDDLE.1)
    } else {
        ratio(r - 5.0, &TAIL.0, &TAIL.1)
    };
    size.copysign(q)
}

#[rustfmt::skip]
const CENTER: ([f64; 8], [f64; 7]) = (
    [
        3.387_132_872_796_366_5, 133.141_667_891_784_38, 1_971.590_950_306_551_3, 13_731.693_765_509_46,
        45_921.953_931_549_87, 67_265.770_927_008_7, 33_430.575_583_588_13, 2_509.080_928_730_122_7,
    ],
    [
        42.313_330_701_600_91, 687.187_007_492_057_9, 5_394.196_021_424_751, 21_213.794_301_586_597,
        39_307.895_800_092_71, 28_729.085_735_721_943, 5_226.495_278_852_854,
    ],
);
#[rustfmt::skip]
const MIDDLE: ([f64; 8], [f64; 7]) = (
    [
        1.423_437_110_749_683_5, 4.630_337_846_156_546, 5.769_497_221_460_691, 3.647_848_324_763_204_5,
        1.270_458_252_452_368_4, 0.241_780_725_177_450_6, 0.022_723_844_989_269_184, 7.745_450_142_783_414e-4,
    ],
    [
        2.053_191_626_637_759, 1.676_384_830_183_803_8, 0.689_767_334_985_1, 0.148_103_976_427_480_08,
        0.015_198_666_563_616_457, 5.475_938_084_995_345e-4, 1.050_750_071_644_416_9e-9,
    ],
);
#[rustfmt::skip]
const TAIL: ([f64; 8], [f64; 7]) = (
    [
        6.657_904_643_501_103, 5.463_784_911_164_114, 1.784_826_539_917_291_3, 0.296_560_571_828_504_87,
        0.026_532_189_526_576_124, 0.001_242_660_947_388_078_4, 2.711_555_568_743_487_6e-5, 2.010_334_399_292_288_1e-7,
    ],
    [
        0.599_832_206_555_888, 0.136_929_880_922_735_8, 0.014_875_361_290_850_615, 7.868_691_311_456_133e-4,
        1.846_318_317_510_054_8e-5, 1.421_511_758_316_446e-7, 2.044_263_103_389_939_8e-15,
    ],
);

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of the quantile function to 15 digits, from tables of the normal distribution.
    #[test]
    fn quantiles_of_the_normal() {
        for (p, z) in [
            (0.5, 0.0),
            (0.975, 1.959_963_984_540_054),
            (0.95, 1.644_853_626_951_472_7),
            (0.999, 3.090_232_306_167_813_5),
            (1e-9, -5.997_807_015_007_686_9),
            (1e-15, -7.941_345_326_170_997),
        ] {
            let found = normal_quantile(p);
            assert!(
                (found - z).abs() < 1e-13 * z.abs().max(1.0),
                "{p}: {found} {z}"
            );
        }
    }

    #[test]
    fn ties_share_their_rank() {
        let scores = normal_scores(&[vec![3.0, 1.0], vec![1.0, 2.0]]);
        assert_eq!(scores[0][1], scores[1][0]);
        assert!(scores[0][0] > scores[1][1] && scores[1][1] > scores[0][1]);
        // Ranks 1.5, 1.5, 3, 4 of 4.
        let expected = normal_quantile((1.5 - 0.375) / 4.25);
        assert_eq!(scores[0][1], expected);
    }

    #[test]
    fn quantiles_interpolate() {
        let values = [1.0, 2.0, 4.0];
        for (p, expected) in [(0.0, 1.0), (0.25, 1.5), (0.5, 2.0), (0.75, 3.0), (1.0, 4.0)] {
            assert_eq!(quantile(&values, p), expected);
        }
    }
}
