//! What the measurements of a run mean, in words.

use std::fmt;

use super::line::{QualityLine, Score, ScoreKind};

/// How a run stands, by all that was measured of its models.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Verdict {
    /// Nothing was measured yet, or too little to tell.
    Unknown,
    /// The newest measurements are better than those before by more than their noise.
    Improving,
    /// It neither rises nor falls by more than its noise.
    Healthy,
    /// It is worse than the best by more than its noise.
    Fell {
        /// The update of the first measurement that is worse.
        since: u64,
        /// The update of the best.
        best: u64,
    },
    /// Samples aren't like the data any more.
    Collapsed {
        /// The update of the first measurement that shows it.
        since: u64,
        /// The update of the best; `None` where no model was any good.
        best: Option<u64>,
        /// What shows it.
        signs: Vec<Sign>,
    },
}

/// What shows that a model has collapsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sign {
    /// Samples are nearer to where chains start than to the data.
    LikeNoise,
    /// Hardly any sample lies among the data.
    OffTheData,
    /// Pixel statistics of most samples are outside of the data's.
    OutsideOfTheData,
    /// Samples cover few of the classes or modes of the data.
    FewModes,
    /// Energies stand at the limit of the regulariser.
    EnergiesAtTheirLimit,
    /// The chains of training don't move any more.
    FrozenChains,
    /// The weights grow without end.
    GrowingWeights,
    /// Something that was measured isn't a finite number.
    NotFinite,
}

/// Measurements from which it can be told that a run learned nothing.
const ENOUGH: usize = 4;
/// Share of the way from the data to noise beyond which samples are noise.
const NOISE: f64 = 0.5;
/// Share of the samples whose pixel statistics are outside of the data's that shows a collapse.
const MOSTLY_OUTSIDE: f64 = 0.5;
/// What is left of precision, recall or the number of classes of the best model where it collapsed.
const HARDLY: f64 = 0.2;
/// Share of the limit of the regulariser at which energies count as standing there.
const AT_LIMIT: f64 = 0.8;
/// By how much a fall exceeds what the best is above the floor.
const FALL: f64 = 0.5;
/// Standard errors beyond which two scores differ: once in 370 where nothing changed.
const ERRORS: f64 = 3.0;

impl Verdict {
    /// What lines of `quality.jsonl` mean, in their order.
    pub fn of(lines: &[QualityLine]) -> Self {
        let Some(last) = lines.last() else {
            return Self::Unknown;
        };
        let best = best_of(lines).filter(|best| !is_noise(best));
        let signs = best.map_or_else(|| signs_of_a_start(lines), |best| signs(last, best, lines));
        if !signs.is_empty() {
            let shows = |line: &&QualityLine| match best {
                Some(best) => line.step > best.step && !signs_alone(line, best).is_empty(),
                None => true,
            };
            let since = lines.iter().rev().take_while(shows).last();
            return Self::Collapsed {
                since: since.unwrap_or(last).step,
                best: best.map(|best| best.step),
                signs,
            };
        }
        let (Some(best), true) = (best, lines.len() >= 2) else {
            return Self::Unknown;
        };
        let noise = noise_of(lines);
        let fallen = |line: &&QualityLine| line.step > best.step && is_worse(line, best, noise);
        let falls: Vec<&QualityLine> = lines.iter().rev().take_while(fallen).collect();
        // One alone may be an accident.
        if let (Some(first), true) = (falls.last(), falls.len() >= 2) {
            return Self::Fell {
                since: first.step,
                best: best.step,
            };
        }
        let before = &lines[..lines.len() - lines.len().div_ceil(3)];
        match best_of(before) {
            Some(before) if is_better(best, before, noise) => Self::Improving,
            Some(_) => Self::Healthy,
            None => Self::Unknown,
        }
    }

    /// Whether the newest model is of no use.
    pub fn is_collapse(&self) -> bool {
        matches!(self, Self::Collapsed { .. })
    }

    /// In a word, for tables: `healthy`, `still improving`, `fell`, `collapsed`, `unknown`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Improving => "still improving",
            Self::Healthy => "healthy",
            Self::Fell { .. } => "fell",
            Self::Collapsed { .. } => "collapsed",
        }
    }
}

impl Sign {
    /// In words, as a part of a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Self::LikeNoise => "samples are nearer to noise than to the data",
            Self::OffTheData => "hardly any sample lies among the data",
            Self::OutsideOfTheData => "pixel statistics of most samples are outside of the data's",
            Self::FewModes => "samples cover little of the data",
            Self::EnergiesAtTheirLimit => "energies stand at the limit of the regulariser",
            Self::FrozenChains => "the chains don't move any more",
            Self::GrowingWeights => "the weights grow without end",
            Self::NotFinite => "samples or energies aren't finite",
        }
    }
}

impl fmt::Display for Verdict {
    /// A sentence without its full stop.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("not enough measurements to tell"),
            Self::Improving => f.write_str("still improving"),
            Self::Healthy => f.write_str("healthy"),
            Self::Fell { since, best } => write!(
                f,
                "quality fell since update {since}; the best, of update {best}, is kept"
            ),
            Self::Collapsed { since, best, signs } => {
                let signs: Vec<&str> = signs.iter().map(|sign| sign.name()).collect();
                write!(f, "collapsed since update {since}: {}", signs.join("; "))?;
                match best {
                    Some(best) => write!(f, "; the best, of update {best}, is kept"),
                    None => f.write_str("; no model was any good"),
                }
            }
        }
    }
}

/// The newest line whose score is the lowest up to its standard error.
pub(super) fn best_of(lines: &[QualityLine]) -> Option<&QualityLine> {
    let scores = lines.iter().filter_map(QualityLine::score);
    let lowest = scores.min_by(|a, b| a.value.total_cmp(&b.value))?;
    let as_good = |line: &&QualityLine| {
        let score = line.score();
        score.is_some_and(|score| score.value <= lowest.value + lowest.error)
    };
    lines.iter().rev().find(as_good)
}

/// Whether samples are noise.
fn is_noise(line: &QualityLine) -> bool {
    let outside = line.outside.is_some_and(|share| share > MOSTLY_OUTSIDE);
    outside || line.share_of_noise().is_some_and(|share| share > NOISE)
}

/// What shows that a run has learned nothing so far, when there was time enough.
fn signs_of_a_start(lines: &[QualityLine]) -> Vec<Sign> {
    let Some(last) = lines.last() else {
        return Vec::new();
    };
    let measured = lines.iter().filter(|line| line.score().is_some());
    let failed = lines.len() - measured.count();
    if failed == lines.len() && failed >= 2 {
        return vec![Sign::NotFinite];
    }
    let still_falling = || {
        let before = best_of(&lines[..lines.len() - lines.len().div_ceil(3)]);
        let best = best_of(lines);
        best.zip(before)
            .is_some_and(|(best, before)| is_better(best, before, noise_of(lines)))
    };
    if lines.len() < ENOUGH || !is_noise(last) || still_falling() {
        return Vec::new();
    }
    noise_signs(last)
}

fn noise_signs(line: &QualityLine) -> Vec<Sign> {
    let like_noise = line.share_of_noise().is_some_and(|share| share > NOISE);
    let outside = line.outside.is_some_and(|share| share > MOSTLY_OUTSIDE);
    let found = [
        (like_noise, Sign::LikeNoise),
        (outside, Sign::OutsideOfTheData),
    ];
    found
        .into_iter()
        .filter_map(|(is, sign)| is.then_some(sign))
        .collect()
}

/// What shows in a line that the model has collapsed since the best.
fn signs_alone(line: &QualityLine, best: &QualityLine) -> Vec<Sign> {
    let mut signs = noise_signs(line);
    let lost = |before: Option<f64>, now: Option<f64>| {
        let both = before.zip(now);
        both.is_some_and(|(before, now)| before >= HARDLY && now < HARDLY * before)
    };
    if lost(best.precision, line.precision) {
        signs.push(Sign::OffTheData);
    }
    let classes = |line: &QualityLine| line.class_entropy.map(f64::exp);
    let few = |before: Option<f64>, now: Option<f64>| {
        let both = before.zip(now);
        // Of two classes and more.
        both.is_some_and(|(before, now)| before > 1.8 && now - 1.0 < HARDLY * (before - 1.0))
    };
    if lost(best.recall, line.recall) || few(classes(best), classes(line)) {
        signs.push(Sign::FewModes);
    }
    if line.score().is_none() {
        signs.push(Sign::NotFinite);
    }
    signs
}

/// The same of the newest line, with what goes with it but alone shows nothing.
fn signs(last: &QualityLine, best: &QualityLine, lines: &[QualityLine]) -> Vec<Sign> {
    let mut signs = signs_alone(last, best);
    if signs.is_empty() {
        return signs;
    }
    let stands = |energy: Option<f64>| {
        let both = energy.zip(last.energy_bound);
        both.is_some_and(|(energy, bound)| energy.abs() >= AT_LIMIT * bound)
    };
    if stands(last.data_energy) && stands(last.sample_energy) {
        signs.push(Sign::EnergiesAtTheirLimit);
    }
    let first = |value: fn(&QualityLine) -> Option<f64>| lines.iter().find_map(value);
    let moved = last.displacement.zip(first(|line| line.displacement));
    if moved.is_some_and(|(now, then)| now < 0.05 * then) {
        signs.push(Sign::FrozenChains);
    }
    let size = last.weight_size.zip(first(|line| line.weight_size));
    if size.is_some_and(|(now, then)| now > 10.0 * then) {
        signs.push(Sign::GrowingWeights);
    }
    signs
}

/// The standard deviation of scores about their trend: from the second half of the differences of
/// neighbours, by their median, which a single jump doesn't move.
fn noise_of(lines: &[QualityLine]) -> f64 {
    let scores: Vec<f64> = lines
        .iter()
        .filter_map(|line| Some(line.score()?.value))
        .collect();
    let scores = &scores[scores.len() / 2..];
    let mut jumps: Vec<f64> = scores
        .windows(2)
        .map(|pair| (pair[1] - pair[0]).abs())
        .collect();
    if jumps.len() < 3 {
        return 0.0;
    }
    jumps.sort_unstable_by(f64::total_cmp);
    // The median of |x - y| of two normals is 0.954 standard deviations of one.
    jumps[jumps.len() / 2] / 0.954
}

/// Whether a line is worse than the best by more than what is between equals.
fn is_worse(line: &QualityLine, best: &QualityLine, noise: f64) -> bool {
    let (Some(now), Some(then)) = (line.score(), best.score()) else {
        return line.score().is_none();
    };
    let margin = margin(now, then, noise).max(FALL * above_floor(best, then));
    now.kind == then.kind && now.value - then.value > margin
}

/// Whether a line is better than one before by more than what is between equals.
fn is_better(line: &QualityLine, before: &QualityLine, noise: f64) -> bool {
    let (Some(now), Some(then)) = (line.score(), before.score()) else {
        return before.score().is_none();
    };
    let margin = margin(now, then, noise).max(0.05 * above_floor(before, then));
    now.kind == then.kind && then.value - now.value > margin
}

fn margin(a: Score, b: Score, noise: f64) -> f64 {
    ERRORS * (a.error.hypot(b.error)).max(noise)
}

/// How far a score is from that of a perfect model; of a likelihood nobody knows it.
fn above_floor(line: &QualityLine, score: Score) -> f64 {
    match score.kind {
        ScoreKind::Distance => (score.value - line.floor.unwrap_or(0.0)).max(0.0),
        ScoreKind::Divergence => score.value.max(0.0),
        ScoreKind::NegativeLogLikelihood => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line of distance `distance` with a floor of 3 and noise at 300.
    fn line(step: u64, distance: f64) -> QualityLine {
        QualityLine {
            step,
            distance: Some(distance),
            distance_error: Some(0.03 * distance),
            floor: Some(3.0),
            start_distance: Some(300.0),
            precision: Some(0.6),
            recall: Some(0.5),
            outside: Some(0.02),
            ..QualityLine::default()
        }
    }

    fn lines(distances: &[f64]) -> Vec<QualityLine> {
        let steps = (1..).map(|at| 500 * at);
        steps
            .zip(distances)
            .map(|(step, &distance)| line(step, distance))
            .collect()
    }

    #[test]
    fn runs_are_told_apart_by_how_their_distance_goes() {
        let collapsed = |since, best| Verdict::Collapsed {
            since,
            best,
            signs: vec![Sign::LikeNoise],
        };
        for (distances, expected) in [
            (&[][..], Verdict::Unknown),
            (&[20.0], Verdict::Unknown),
            // Few, and bad: it may only have begun.
            (&[290.0, 285.0, 288.0], Verdict::Unknown),
            (&[250.0, 90.0, 40.0, 25.0, 17.0], Verdict::Improving),
            (
                &[90.0, 30.0, 21.0, 20.0, 20.5, 19.8, 20.2],
                Verdict::Healthy,
            ),
            // One bad measurement is an accident, two are none.
            (&[90.0, 30.0, 20.0, 20.0, 20.5, 35.0], Verdict::Healthy),
            (
                &[90.0, 30.0, 20.0, 20.0, 20.5, 35.0, 38.0],
                Verdict::Fell {
                    since: 3000,
                    best: 2500,
                },
            ),
            (
                &[90.0, 30.0, 20.0, 60.0, 240.0, 290.0],
                collapsed(2500, Some(1500)),
            ),
            // From good to noise at once, in the newest line.
            (&[90.0, 30.0, 20.0, 290.0], collapsed(2000, Some(1500))),
            // Nothing was ever learned.
            (&[300.0, 295.0, 298.0, 301.0, 299.0], collapsed(500, None)),
            // It recovered.
            (&[90.0, 20.0, 280.0, 20.5, 19.9, 20.3], Verdict::Healthy),
        ] {
            assert_eq!(Verdict::of(&lines(distances)), expected, "{distances:?}");
        }
    }

    #[test]
    fn what_distances_hide_is_seen_by_other_signs() {
        let healthy = lines(&[90.0, 30.0, 21.0, 20.0, 20.5]);
        let shown = |change: fn(&mut QualityLine)| {
            let mut lines = healthy.clone();
            for line in &mut lines {
                line.class_entropy = Some(2.2);
                line.data_energy = Some(-4.8);
                line.sample_energy = Some(4.9);
                line.energy_bound = Some(5.0);
            }
            let mut last = lines[4].clone();
            last.step = 3000;
            change(&mut last);
            lines.push(last);
            match Verdict::of(&lines) {
                Verdict::Collapsed { signs, best, since } => {
                    assert_eq!((best, since), (Some(2500), 3000));
                    signs
                }
                other => panic!("{other}"),
            }
        };
        // Energies at their limit are no sign alone: all lines of a healthy run have them here.
        let also = Sign::EnergiesAtTheirLimit;
        assert_eq!(
            shown(|line| line.outside = Some(0.9)),
            [Sign::OutsideOfTheData, also]
        );
        assert_eq!(
            shown(|line| line.precision = Some(0.05)),
            [Sign::OffTheData, also]
        );
        assert_eq!(
            shown(|line| line.recall = Some(0.01)),
            [Sign::FewModes, also]
        );
        assert_eq!(
            shown(|line| line.class_entropy = Some(0.3)),
            [Sign::FewModes, also]
        );
        assert_eq!(shown(|line| line.distance = None), [Sign::NotFinite, also]);
    }

    #[test]
    fn verdicts_are_sentences() {
        let fell = Verdict::Fell {
            since: 1500,
            best: 1000,
        };
        assert_eq!(
            fell.to_string(),
            "quality fell since update 1500; the best, of update 1000, is kept"
        );
        let collapsed = Verdict::Collapsed {
            since: 2500,
            best: Some(1000),
            signs: vec![Sign::LikeNoise, Sign::EnergiesAtTheirLimit],
        };
        assert_eq!(
            collapsed.to_string(),
            "collapsed since update 2500: samples are nearer to noise than to the data; energies stand at the limit of the regulariser; the best, of update 1000, is kept"
        );
    }
}
