//! Round values inside of a range.

/// Fewest ticks.
pub(crate) const FEWEST: usize = 3;

/// Multiples of 1, 2 or 5 times a power of ten from `low` to `high`, with that power: of steps with
/// at most `most` of them the finest, unless it has fewer than three.
pub(crate) fn round_values(low: f64, high: f64, most: usize, whole: bool) -> (Vec<f64>, i32) {
    let top = (high - low).log10().floor() as i32 + 1;
    let mut chosen: (Vec<f64>, i32) = (Vec::new(), top);
    for exponent in (top - 3..=top).rev() {
        for digit in [5.0, 2.0, 1.0] {
            if whole && exponent < 0 {
                return chosen;
            }
            let multiples = multiples(low, high, digit, exponent);
            if multiples.len() > most && chosen.0.len() >= FEWEST {
                return chosen;
            }
            let enough = multiples.len() > most;
            chosen = (multiples, exponent);
            if enough {
                return chosen;
            }
        }
    }
    chosen
}

fn multiples(low: f64, high: f64, digit: f64, exponent: i32) -> Vec<f64> {
    let step = digit * 10_f64.powi(exponent);
    let first = (low / step - 1e-6).ceil();
    let last = (high / step + 1e-6).floor();
    let number = (last - first + 1.0).max(0.0) as usize;
    (0..number)
        .map(|at| {
            // Dividing by a power of ten makes 0.3 where multiplying makes 0.30000000000000004.
            let times = (first + at as f64) * digit;
            if exponent < 0 {
                times / 10_f64.powi(-exponent)
            } else {
                times * 10_f64.powi(exponent)
            }
        })
        .collect()
}

/// Round values as logarithms: 1, 2 and 5 times powers of ten, or 1 and 3 times, or powers of ten,
/// or every second of them, every fifth, ...
pub(crate) fn round_powers(low: f64, high: f64, most: usize) -> Vec<f64> {
    let inside = |digits: &[f64], every: i32| -> Vec<f64> {
        let powers = low.floor() as i32..=high.ceil() as i32;
        powers
            .filter(|power| power.rem_euclid(every) == 0)
            .flat_map(|power| {
                digits
                    .iter()
                    .map(move |d: &f64| d.log10() + f64::from(power))
            })
            .filter(|place| (low - 1e-9..=high + 1e-9).contains(place))
            .collect()
    };
    let candidates = [
        (&[1.0, 2.0, 5.0][..], 1),
        (&[1.0, 3.0], 1),
        (&[1.0], 1),
        (&[1.0], 2),
        (&[1.0], 5),
        (&[1.0], 10),
        (&[1.0], 20),
        (&[1.0], 50),
        (&[1.0], 100),
    ];
    let mut chosen = Vec::new();
    for (digits, every) in candidates {
        let ticks = inside(digits, every);
        if !chosen.is_empty() && ticks.len() < FEWEST {
            break;
        }
        chosen = ticks;
        if chosen.len() <= most {
            break;
        }
    }
    chosen
}
