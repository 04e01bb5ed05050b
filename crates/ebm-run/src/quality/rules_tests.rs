//! Tests of the rules by which a run is judged.

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
        recall: Some(if distance < 100.0 { 0.5 } else { 0.0 }),
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
        signs: match best {
            Some(_) => vec![Sign::LikeNoise, Sign::FewModes],
            None => vec![Sign::LikeNoise],
        },
    };
    for (distances, expected) in [
        (&[][..], Verdict::Unknown),
        (&[20.0], Verdict::Unknown),
        // Few, and bad: it may only have begun.
        (&[290.0, 285.0, 288.0], Verdict::Unknown),
        (&[250.0, 90.0, 40.0, 25.0, 17.0], Verdict::Improving),
        (&[45.0, 20.0, 11.0, 10.0, 10.5, 9.8, 10.2], Verdict::Healthy),
        // One bad measurement is an accident, two are none.
        (&[45.0, 20.0, 10.0, 10.0, 10.5, 20.0], Verdict::Healthy),
        (
            &[45.0, 20.0, 10.0, 10.0, 10.2, 20.0, 22.0],
            Verdict::Fell {
                since: 3000,
                best: 2500,
            },
        ),
        (
            &[90.0, 30.0, 20.0, 40.0, 240.0, 290.0],
            collapsed(2500, Some(1500)),
        ),
        (
            &[90.0, 45.0, 40.0, 40.0, 40.5, 39.8, 40.2],
            Verdict::Poor {
                signs: vec![Sign::FarFromTheData],
            },
        ),
        // From good to noise at once, in the newest line.
        (&[90.0, 30.0, 20.0, 290.0], collapsed(2000, Some(1500))),
        // Nothing was ever learned.
        (&[300.0, 295.0, 298.0, 301.0, 299.0], collapsed(500, None)),
        // It recovered.
        (&[45.0, 10.0, 280.0, 10.5, 9.9, 10.3], Verdict::Healthy),
    ] {
        assert_eq!(Verdict::of(&lines(distances)), expected, "{distances:?}");
    }
}

#[test]
fn at_the_end_a_good_trend_helps_nobody() {
    let poor = Verdict::Poor {
        signs: vec![Sign::FarFromTheData],
    };
    let nothing = Verdict::Collapsed {
        since: 500,
        best: None,
        signs: vec![Sign::LikeNoise],
    };
    for (distances, meanwhile, expected) in [
        (&[][..], Verdict::Unknown, Verdict::Unknown),
        (&[10.0], Verdict::Unknown, Verdict::Unknown),
        (&[60.0], Verdict::Unknown, poor.clone()),
        (&[290.0], Verdict::Unknown, nothing.clone()),
        (&[290.0, 200.0], Verdict::Unknown, nothing),
        (&[95.0, 80.0, 60.0, 50.0], Verdict::Improving, poor),
        (
            &[95.0, 40.0, 20.0, 10.0],
            Verdict::Improving,
            Verdict::Improving,
        ),
    ] {
        let lines = lines(distances);
        assert_eq!(Verdict::of(&lines), meanwhile, "{distances:?}");
        assert_eq!(Verdict::at_the_end(&lines), expected, "{distances:?}");
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
        shown(|line| {
            (line.outside, line.distance) = (Some(0.9), Some(60.0));
            line.recall = Some(0.05);
        }),
        [Sign::OutsideOfTheData, Sign::FewModes, also]
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

/// A Gaussian of the data is near them already: a model that leaves chains there learned nothing.
#[test]
fn samples_like_their_start_are_poor() {
    let starting = |start: f64, distances: &[f64]| {
        let line = |mut line: QualityLine| {
            (line.start_distance, line.noise_distance) = (Some(start), Some(300.0));
            line
        };
        let lines = lines(distances).into_iter();
        Verdict::of(&lines.map(line).collect::<Vec<_>>())
    };
    let poor = Verdict::Poor {
        signs: vec![Sign::LikeTheirStart],
    };
    let far = [25.0, 20.0, 18.0, 18.2, 17.9, 18.1];
    assert_eq!(starting(19.0, &far), poor);
    assert_eq!(starting(40.0, &far), Verdict::Healthy);
    // The starts of data that are little more than a Gaussian.
    let near = [20.0, 14.0, 12.0, 12.1, 11.9, 12.0];
    assert_eq!(starting(9.0, &near), Verdict::Healthy);
    assert_eq!(starting(6.0, &near), poor);
}

/// Chains that a network flees from stay at Gaussians of the data, which are among them.
#[test]
fn energies_that_part_are_a_collapse_though_samples_stay_near() {
    let parted = |distances: &[f64], energies: f64| {
        let mut lines = lines(distances);
        for line in &mut lines {
            line.energy_bound = Some(5.0);
            (line.precision, line.recall) = (Some(1.0), Some(0.8));
            (line.data_energy, line.sample_energy) = (Some(0.0), Some(0.0));
        }
        let last = lines.last_mut().expect("there are some");
        (last.data_energy, last.sample_energy) = (Some(-energies), Some(energies));
        Verdict::of(&lines)
    };
    let distances = [24.0, 15.0, 14.0, 38.0];
    let since = lines(&distances)[3].step;
    let best = lines(&distances)[2].step;
    assert_eq!(
        parted(&distances, 4.5),
        Verdict::Collapsed {
            since,
            best: Some(best),
            signs: vec![Sign::EnergiesAtTheirLimit],
        }
    );
    assert!(!matches!(
        parted(&distances, 0.1),
        Verdict::Collapsed { .. }
    ));
    // Without a fall they show nothing.
    let good = [24.0, 15.0, 14.0, 14.1];
    assert!(!matches!(parted(&good, 4.5), Verdict::Collapsed { .. }));
}
