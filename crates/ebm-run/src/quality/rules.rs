//! The rules by which what was measured of a run is judged.

use ebm_train::judging::quality::TOTAL_VARIANCE;

use super::line::{QualityLine, Score, ScoreKind};
use super::verdict::{Sign, Verdict};

/// Measurements from which it can be told that a run learned nothing.
const ENOUGH: usize = 4;
/// Share of the way from the data to noise beyond which samples are noise.
const NOISE: f64 = 0.9;
/// The same beyond which they are poor.
const POOR: f64 = 0.35;
/// The same beyond which pixel statistics convict: values of drawings are so exact that good
/// samples miss them.
const FAR: f64 = 0.5;
/// Nats from the true density beyond which a model of the plane is as good as none, and poor.
const NOISE_NATS: f64 = 3.0;
const POOR_NATS: f64 = 0.5;
/// Share of the way from the data to where chains start beyond which they have hardly come nearer.
const HARDLY_NEARER: f64 = 0.8;
/// Share of the spread of the data that this way has to have.
const TELLING: f64 = 0.1;
/// Share of the spread of the data by which samples are farther away than where chains start.
const WORSE: f64 = 0.05;
/// Share of the samples whose pixel statistics are outside of the data's that convicts.
const MOSTLY_OUTSIDE: f64 = 0.5;
/// Share of the precision or recall of real data below which those of samples are poor.
const LOW: f64 = 0.5;
/// What is left of precision, recall or the number of classes of the best model where it collapsed.
const HARDLY: f64 = 0.2;
/// Share of the limit of the regulariser at which energies count as standing there.
const AT_LIMIT: f64 = 0.8;
/// By how much a fall exceeds what the best is above the floor.
const FALL: f64 = 0.5;
/// Standard errors beyond which two scores differ: once in 370 where nothing changed.
const ERRORS: f64 = 3.0;

impl Verdict {
    /// What lines of `quality.jsonl` mean, in their order, while training goes on.
    pub fn of(lines: &[QualityLine]) -> Self {
        Self::with_patience(lines, ENOUGH)
    }

    /// The same of a training that has ended, from which nothing more is to be hoped for.
    pub fn at_the_end(lines: &[QualityLine]) -> Self {
        let verdict = Self::with_patience(lines, 1);
        if !matches!(verdict, Self::Unknown | Self::Improving) {
            return verdict;
        }
        match best_of(lines).map(signs_of_poverty) {
            Some(signs) if !signs.is_empty() => Self::Poor { signs },
            _ => verdict,
        }
    }

    /// `enough` measurements tell that a run learned nothing.
    fn with_patience(lines: &[QualityLine], enough: usize) -> Self {
        let Some(last) = lines.last() else {
            return Self::Unknown;
        };
        let best = best_of(lines).filter(|best| !is_noise(best));
        let signs = match best {
            Some(best) => signs(last, best, lines),
            None => signs_of_a_start(lines, enough),
        };
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
        let before = best_of(&lines[..lines.len() - lines.len().div_ceil(3)]);
        let Some(before) = before else {
            return Self::Unknown;
        };
        let signs = signs_of_poverty(best);
        if is_better(best, before, noise) {
            Self::Improving
        } else if signs.is_empty() {
            Self::Healthy
        } else {
            Self::Poor { signs }
        }
    }
}

/// The newest line whose score is the lowest up to its standard error and that has lost nothing
/// else; of noise only if there is nothing else.
pub(super) fn best_of(lines: &[QualityLine]) -> Option<&QualityLine> {
    let all_noise = lines.iter().all(is_noise);
    let scored = || {
        let candidates = lines.iter().filter(|line| all_noise || !is_noise(line));
        candidates.filter_map(|line| Some((line, line.score()?)))
    };
    let (lowest, score) = scored().min_by(|(_, a), (_, b)| a.value.total_cmp(&b.value))?;
    let as_good = |(line, found): &(&QualityLine, Score)| {
        let is_low = found.value <= score.value + score.error;
        is_low && (line.step <= lowest.step || signs_alone(line, lowest).is_empty())
    };
    scored().rev().find(as_good).map(|(line, _)| line)
}

/// Whether samples are noise.
fn is_noise(line: &QualityLine) -> bool {
    !noise_signs(line).is_empty()
}

/// What shows that a run has learned nothing so far, when there was time enough.
fn signs_of_a_start(lines: &[QualityLine], enough: usize) -> Vec<Sign> {
    let Some(last) = lines.last() else {
        return Vec::new();
    };
    let measured = lines.iter().filter(|line| line.score().is_some());
    let failed = lines.len() - measured.count();
    if failed == lines.len() && failed >= enough.min(2) {
        return vec![Sign::NotFinite];
    }
    let still_falling = || {
        let before = best_of(&lines[..lines.len() - lines.len().div_ceil(3)]);
        let best = best_of(lines);
        best.zip(before)
            .is_some_and(|(best, before)| is_better(best, before, noise_of(lines)))
    };
    // At the end, of which one measurement tells, a good trend helps nobody.
    if lines.len() < enough || (enough > 1 && still_falling()) {
        return Vec::new();
    }
    noise_signs(last)
}

/// What shows that samples are noise, or all the same.
fn noise_signs(line: &QualityLine) -> Vec<Sign> {
    let excess = line.share_of_noise();
    let beyond = |limit: f64| excess.is_some_and(|excess| excess > limit);
    // Where no distance is known, as where values aren't finite, statistics are all there is.
    let is_far = excess.is_none() || beyond(FAR);
    let outside = line.outside.is_some_and(|share| share > MOSTLY_OUTSIDE);
    // Samples of wrong colours may be as far away, but they are among the data and data among them.
    let holds = |share: Option<f64>, floor: Option<f64>| {
        share.is_some_and(|share| share >= HARDLY * floor.unwrap_or(1.0))
    };
    let covers =
        holds(line.precision, line.floor_precision) && holds(line.recall, line.floor_recall);
    let divergence = line.divergence.is_some_and(|nats| nats > NOISE_NATS);
    let found = [
        ((beyond(NOISE) && !covers) || divergence, Sign::LikeNoise),
        (outside && is_far && !covers, Sign::OutsideOfTheData),
    ];
    shown(found)
}

/// What shows that samples are poor, whatever they were before.
fn signs_of_poverty(line: &QualityLine) -> Vec<Sign> {
    let far = line.share_of_noise().is_some_and(|excess| excess > POOR);
    let diverges = line.divergence.is_some_and(|nats| nats > POOR_NATS);
    let low = |share: Option<f64>, floor: Option<f64>| {
        let both = share.zip(floor);
        both.is_some_and(|(share, floor)| share < LOW * floor)
    };
    let found = [
        (far || diverges, Sign::FarFromTheData),
        (is_like_its_start(line), Sign::LikeTheirStart),
        (low(line.precision, line.floor_precision), Sign::OffTheData),
        (low(line.recall, line.floor_recall), Sign::FewModes),
    ];
    shown(found)
}

/// Whether chains that start at something better than noise have hardly come any nearer, or went
/// away.
fn is_like_its_start(line: &QualityLine) -> bool {
    let floor = line.floor.unwrap_or(0.0);
    let both = line.distance.zip(line.informed_start());
    both.is_some_and(|(distance, start)| {
        let way = start - floor;
        let telling = |way: f64, share: f64| way > share * TOTAL_VARIANCE;
        // Of data that are hardly more than a Gaussian only that can be said which is worse.
        telling(distance - start, WORSE)
            || (telling(way, TELLING) && distance - floor > HARDLY_NEARER * way)
    })
}

fn shown<const N: usize>(found: [(bool, Sign); N]) -> Vec<Sign> {
    let found = found.into_iter();
    found.filter_map(|(is, sign)| is.then_some(sign)).collect()
}

/// What shows in a line that the model has collapsed since the best.
fn signs_alone(line: &QualityLine, best: &QualityLine) -> Vec<Sign> {
    let mut signs = Vec::new();
    if is_worse(line, best, 0.0) {
        signs = noise_signs(line);
        // Chains that can't follow the network stay near where they start, which may be near the
        // data.
        if stands_at_limit(line) && !stands_at_limit(best) {
            signs.push(Sign::EnergiesAtTheirLimit);
        }
    }
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
    if stands_at_limit(last) && !signs.contains(&Sign::EnergiesAtTheirLimit) {
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

/// Whether the energies of data and samples are as far from 0 as the regulariser lets them.
fn stands_at_limit(line: &QualityLine) -> bool {
    let stands = |energy: Option<f64>| {
        let both = energy.zip(line.energy_bound);
        both.is_some_and(|(energy, bound)| energy.abs() >= AT_LIMIT * bound)
    };
    stands(line.data_energy) && stands(line.sample_energy)
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
#[path = "rules_tests.rs"]
mod tests;
