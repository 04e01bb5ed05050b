//! Examples that are held out of training where a data set has no test set of its own.

use ebm_ops::Noise;

use super::{Images, Labels, Split};

/// Which of `count` examples are trained on and which are held out, `[train, held out]`, each in
/// the order of the examples; `None` if there are fewer than two.
///
/// `round(fraction * count)` are held out, at least one. With labels each class gives its share of
/// them, rounded by the method of largest remainders, and keeps at least one example; where no
/// class has two examples labels are of no use, and aren't looked at. The same noise gives the same
/// examples.
///
/// `fraction` is above 0 and below 1.
pub fn hold_out(
    count: usize,
    labels: Option<&Labels>,
    fraction: f64,
    noise: &mut Noise,
) -> Option<[Vec<usize>; 2]> {
    let mut groups = labels.map_or_else(Vec::new, classes);
    if groups.iter().all(|group| group.len() < 2) {
        groups = vec![(0..count).collect()];
    }
    let room: usize = groups
        .iter()
        .map(|group| group.len().saturating_sub(1))
        .sum();
    if room == 0 {
        return None;
    }
    let total = ((fraction * count as f64).round() as usize).clamp(1, room);
    let shares = apportion(&groups, fraction, total, noise);
    let mut is_held_out = vec![false; count];
    for (group, share) in groups.iter().zip(shares) {
        for index in noise.choose(share, group.len()) {
            is_held_out[group[index]] = true;
        }
    }
    let (held_out, train) = (0..count).partition(|&row| is_held_out[row]);
    Some([train, held_out])
}

/// The examples of each class that has any.
fn classes(labels: &Labels) -> Vec<Vec<usize>> {
    let mut groups = vec![Vec::new(); labels.classes()];
    for (row, &label) in labels.indices().iter().enumerate() {
        groups[label as usize].push(row);
    }
    groups.retain(|group| !group.is_empty());
    groups
}

/// How many of `total` each group gives: the whole part of its share, and those that are left to
/// the largest remainders, in random order where these are equal. Every group keeps one.
fn apportion(groups: &[Vec<usize>], fraction: f64, total: usize, noise: &mut Noise) -> Vec<usize> {
    let quota = |group: usize| fraction * groups[group].len() as f64;
    let most = |group: usize| groups[group].len() - 1;
    let mut shares: Vec<usize> = (0..groups.len())
        .map(|group| (quota(group) as usize).min(most(group)))
        .collect();
    let mut order = noise.permutation(groups.len());
    order.sort_by(|&a, &b| quota(b).fract().total_cmp(&quota(a).fract()));
    let mut left = total.saturating_sub(shares.iter().sum());
    // There is room for all that are left: the groups without the one that each keeps hold `total`.
    while left > 0 {
        for &group in &order {
            if left > 0 && shares[group] < most(group) {
                shares[group] += 1;
                left -= 1;
            }
        }
    }
    shares
}

impl Images {
    /// The images that are trained on, or those that are held out, as [`hold_out`] draws them, with
    /// their labels; `None` if there are fewer than two.
    #[must_use]
    pub fn part(self, split: Split, fraction: f64, noise: &mut Noise) -> Option<Self> {
        let [train, held_out] = hold_out(self.len(), self.labels(), fraction, noise)?;
        Some(match split {
            Split::Train => self.keep(&train),
            Split::Test => self.keep(&held_out),
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn split(count: usize, labels: Option<&[u32]>, fraction: f64, seed: u64) -> [Vec<usize>; 2] {
        let labels = labels.map(|labels| Labels::new(labels.to_vec()));
        hold_out(count, labels.as_ref(), fraction, &mut Noise::new(seed)).unwrap()
    }

    #[test]
    fn every_example_is_in_one_part_and_the_seed_decides_which() {
        for (count, fraction, expected) in [
            (540, 0.1, 54),
            (10, 0.29, 3),
            (7, 0.01, 1),
            (2, 0.5, 1),
            (10, 0.99, 9),
        ] {
            let [train, held_out] = split(count, None, fraction, 3);
            assert_eq!(held_out.len(), expected, "{fraction} of {count}");
            assert!(train.is_sorted() && held_out.is_sorted());
            let mut all = [train.clone(), held_out.clone()].concat();
            all.sort_unstable();
            assert_eq!(all, (0..count).collect::<Vec<_>>());
            assert_eq!(split(count, None, fraction, 3), [train, held_out]);
        }
        // Of 540 choose 54 the same by chance: never.
        assert_ne!(split(540, None, 0.1, 3), split(540, None, 0.1, 4));
    }

    #[test]
    fn each_class_keeps_its_share() {
        // Sorted by class, as folders are: 300, 150, 89 and 1.
        let sizes = [300_usize, 150, 89, 1];
        let labels: Vec<u32> = (0..4)
            .flat_map(|label| vec![label; sizes[label as usize]])
            .collect();
        let [train, held_out] = split(540, Some(&labels), 0.1, 1);
        let count = |rows: &[usize], label: u32| {
            let of_class = rows.iter().filter(|&&row| labels[row] == label);
            of_class.count()
        };
        assert_eq!(
            [0, 1, 2, 3].map(|label| count(&held_out, label)),
            [30, 15, 9, 0]
        );
        assert_eq!(count(&train, 3), 1);
        // Twenty classes of four: two of five give one, and not always the first.
        let labels: Vec<u32> = (0..20).flat_map(|label| [label; 4]).collect();
        let given = |seed| split(80, Some(&labels), 0.1, seed)[1].clone();
        let mut firsts = Vec::new();
        for seed in 0..4 {
            let mut classes: Vec<u32> = given(seed).iter().map(|&row| labels[row]).collect();
            assert_eq!(classes.len(), 8);
            classes.dedup();
            assert_eq!(classes.len(), 8);
            firsts.push(classes);
        }
        firsts.dedup();
        assert!(firsts.len() > 1);
    }

    #[test]
    fn every_class_keeps_an_example_unless_none_has_two() {
        let [train, _] = split(6, Some(&[0, 0, 0, 1, 1, 2]), 0.9, 1);
        assert_eq!(train.len(), 3);
        let [train, held_out] = split(4, Some(&[0, 1, 2, 3]), 0.25, 1);
        assert_eq!((train.len(), held_out.len()), (3, 1));
        let none = |count| hold_out(count, None, 0.5, &mut Noise::new(1));
        assert_eq!((none(0), none(1)), (None, None));
    }

    #[test]
    fn images_go_with_their_labels() {
        let images = Images::new((0..40).collect(), [1, 2, 1]).unwrap();
        let images = images
            .with_labels(Labels::new((0..20).map(|image| image % 3).collect()))
            .unwrap();
        let part = |split| images.clone().part(split, 0.3, &mut Noise::new(5)).unwrap();
        let (train, held_out) = (part(Split::Train), part(Split::Test));
        assert_eq!((train.len(), held_out.len()), (14, 6));
        for part in [&train, &held_out] {
            for (image, &label) in part.labels().unwrap().indices().iter().enumerate() {
                let pixels = part.image(image);
                assert_eq!(pixels[0] + 1, pixels[1]);
                assert_eq!(u32::from(pixels[0] / 2) % 3, label);
            }
            assert_eq!(part.labels().unwrap().classes(), 3);
        }
    }
}
