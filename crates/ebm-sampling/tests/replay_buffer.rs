//! The buffer loses and doubles no chain, restarts as documented, resumes from a checkpoint.
#![allow(clippy::unwrap_used)]

mod common;

use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use common::{assert_even, assert_uniform, assert_within_error, devices, phi, tensor, values};
use ebm_ops::{Interval, Noise};
use ebm_sampling::{ReplayBuffer, ReplayBufferConfig, StartingPoints, Storage};

const UNIT: StartingPoints = StartingPoints::Uniform(Interval::new(0.0, 1.0));

/// One byte a value, which is its own integer.
const BYTES: Storage = Storage::U8(Interval::new(0.0, 255.0));

fn buffer<const D: usize>(
    shape: [usize; D],
    fresh_fraction: f64,
    starting_points: StartingPoints,
    storage: Storage,
    device: &Device,
) -> ReplayBuffer<D> {
    let config = ReplayBufferConfig {
        fresh_fraction,
        starting_points,
        storage,
    };
    ReplayBuffer::new(shape, config, device, &mut Noise::new(77))
}

fn data(rows: &[f64], shape: [usize; 2], storage: Storage) -> TensorData {
    match storage {
        Storage::F32 => {
            let rows: Vec<f32> = rows.iter().map(|&x| x as f32).collect();
            TensorData::new(rows, shape)
        }
        Storage::U8(_) => {
            let rows: Vec<u8> = rows.iter().map(|&x| x as u8).collect();
            TensorData::new(rows, shape)
        }
    }
}

fn stored<const D: usize>(buffer: &ReplayBuffer<D>) -> Vec<f64> {
    buffer.to_data().iter::<f64>().collect()
}

fn indices(drawn: &Tensor<1, Int>) -> Vec<usize> {
    let drawn = drawn.clone().into_data();
    drawn.iter::<i64>().map(|index| index as usize).collect()
}

/// Against a model of the buffer on the host: each chain holds its own number, and a move adds one
/// to its second value. A chain that is lost, doubled, or written where it doesn't belong shows at
/// once.
#[test]
fn chains_are_neither_lost_nor_doubled() {
    const CAPACITY: usize = 60;
    for device in devices() {
        for storage in [Storage::F32, BYTES] {
            let mut buffer = buffer([CAPACITY, 1, 1, 2], 0.0, UNIT, storage, &device);
            let mut expected: Vec<f64> = (0..CAPACITY).flat_map(|i| [i as f64, 0.0]).collect();
            buffer
                .restore(data(&expected, [CAPACITY, 2], storage))
                .unwrap();
            let mut noise = Noise::new(1);
            for round in 0..200 {
                let count = [1, 7, 32, CAPACITY][round % 4];
                let draw = buffer.draw(count, &mut noise);
                assert_eq!(draw.positions.dims(), [count, 1, 1, 2]);
                let drawn = indices(&draw.indices);
                let mut distinct = drawn.clone();
                distinct.sort_unstable();
                distinct.dedup();
                assert_eq!(distinct.len(), count, "drawn twice: {drawn:?}");
                let positions: Vec<f64> = drawn
                    .iter()
                    .flat_map(|&i| [expected[2 * i], expected[2 * i + 1]])
                    .collect();
                assert_eq!(values(draw.positions.clone()), positions);
                assert_eq!(stored(&buffer), expected, "drawing changes nothing");

                let step = tensor(&[0.0, 1.0], [1, 1, 1, 2], &device);
                let (mut at, mut moved) = (draw.indices, draw.positions + step);
                if round % 3 == 0 {
                    // Another order of both is the same.
                    (at, moved) = (at.flip([0]), moved.flip([0]));
                }
                buffer.write_back(at, moved);
                for i in drawn {
                    expected[2 * i + 1] += 1.0;
                }
                assert_eq!(stored(&buffer), expected, "round {round}");
            }
        }
    }
}

#[test]
fn every_chain_is_drawn_as_often_as_any_other() {
    const CAPACITY: usize = 50;
    let device = Device::flex();
    let buffer = buffer([CAPACITY, 1], 0.0, UNIT, Storage::F32, &device);
    let mut noise = Noise::new(2);
    let (mut first, mut drawn) = ([0; CAPACITY], [0; CAPACITY]);
    for _ in 0..4000 {
        let chosen = indices(&buffer.draw(10, &mut noise).indices);
        first[chosen[0]] += 1;
        chosen.iter().for_each(|&i| drawn[i] += 1);
    }
    assert_even(&first, "first of a draw");
    // Without replacement the counts vary less than the chi-square allows for, which errs on the
    // side of passing; each against its own standard error, at a false-positive rate of 50 *
    // 5.7e-7.
    let share: f64 = 10.0 / 50.0;
    let error = (share * (1.0 - share) / 4000.0).sqrt();
    for count in drawn {
        assert_within_error(f64::from(count) / 4000.0, share, error, "drawn");
    }
}

#[test]
fn a_draw_may_be_empty_or_the_whole_buffer() {
    for device in devices() {
        for fresh in [0.0, 0.5] {
            let mut buffer = buffer([4, 2], fresh, UNIT, Storage::F32, &device);
            let before = stored(&buffer);
            let mut noise = Noise::new(3);
            let mut all = indices(&buffer.draw(4, &mut noise).indices);
            all.sort_unstable();
            assert_eq!(all, [0, 1, 2, 3]);
            let none = buffer.draw(0, &mut noise);
            assert_eq!(none.positions.dims(), [0, 2]);
            buffer.write_back(none.indices, none.positions);
            assert_eq!(stored(&buffer), before);
        }
    }
}

#[test]
fn bytes_are_off_by_half_a_step_at_most_and_only_once() {
    for device in devices() {
        for (low, high) in [(-1.0, 1.0), (0.0, 1.0), (-3.0, 10.0)] {
            let storage = Storage::U8(Interval::new(low, high));
            let mut buffer = buffer([1000, 3], 0.0, UNIT, storage, &device);
            let mut noise = Noise::new(4);
            let draw = buffer.draw(1000, &mut noise);
            let exact: Tensor<2> = noise.uniform_in([1000, 3], [low, high], &device);
            buffer.write_back(draw.indices.clone(), exact.clone());
            let read = |buffer: &ReplayBuffer<2>| {
                // The same draw again: the rows in the same order.
                let again = buffer.draw(1000, &mut Noise::new(4));
                assert_eq!(indices(&again.indices), indices(&draw.indices));
                again.positions
            };
            let once = read(&buffer);
            // Besides the step, three roundings of f32 of values up to 13.
            let bound = (high - low) / 510.0 + 3.0 * 13.0 * 6e-8;
            let mut largest: f64 = 0.0;
            for (exact, once) in values(exact).iter().zip(values(once.clone())) {
                assert!((low..=high).contains(&once));
                largest = largest.max((exact - once).abs());
            }
            assert!(largest <= bound, "{largest} > {bound}");
            // Half a step nearly occurs among 3000 values: a coarser or finer grid would show.
            assert!(largest > 0.98 * bound, "{largest} << {bound}");
            let bytes = stored(&buffer);
            buffer.write_back(draw.indices.clone(), once.clone());
            assert_eq!(
                stored(&buffer),
                bytes,
                "bytes read and written are the same"
            );
            assert_eq!(values(read(&buffer)), values(once));
        }
    }
}

#[test]
fn bytes_take_one_byte_each_and_are_clamped() {
    for device in devices() {
        let storage = Storage::U8(Interval::new(-1.0, 1.0));
        let mut buffer = buffer([2, 2], 0.0, UNIT, storage, &device);
        let at = Tensor::<1, Int>::from_data([0, 1], &device);
        buffer.write_back(at, tensor(&[-7.0, -1.0, 1.0, 1e9], [2, 2], &device));
        let data = buffer.to_data();
        assert_eq!(data.dtype(), DType::U8);
        assert_eq!(data.as_slice::<u8>().unwrap(), [0, 0, 255, 255]);
    }
}

/// Restarts among draws of the tagged values 10, 11, ...; fresh starting points lie below 9.
fn restarts(
    fresh_fraction: f64,
    starting_points: &StartingPoints,
    device: &Device,
) -> (Vec<bool>, Vec<f64>) {
    const SHAPE: [usize; 3] = [100, 2, 3];
    let points = starting_points.clone();
    let mut buffer = buffer(SHAPE, fresh_fraction, points, Storage::F32, device);
    let tags: Vec<f64> = (0..600).map(|i| 10.0 + f64::from(i)).collect();
    buffer.restore(data(&tags, [100, 6], Storage::F32)).unwrap();
    let mut noise = Noise::new(5);
    let (mut restarted, mut fresh) = (Vec::new(), Vec::new());
    for _ in 0..200 {
        let draw = buffer.draw(100, &mut noise);
        let rows = indices(&draw.indices);
        for (row, positions) in rows.iter().zip(values(draw.positions).chunks(6)) {
            let whole = positions.iter().all(|&x| x < 9.0);
            if whole {
                fresh.extend_from_slice(positions);
            } else {
                assert_eq!(positions, &tags[6 * row..6 * row + 6], "half restarted");
            }
            restarted.push(whole);
        }
    }
    (restarted, fresh)
}

#[test]
fn a_fresh_fraction_of_one_restarts_all_and_of_zero_none() {
    for device in devices() {
        let (restarted, _) = restarts(1.0, &UNIT, &device);
        assert!(restarted.iter().all(|&restarted| restarted));
        let (restarted, _) = restarts(0.0, &UNIT, &device);
        assert!(restarted.iter().all(|&restarted| !restarted));
    }
}

#[test]
fn restarts_are_binomial_and_follow_the_starting_points() {
    let normal = StartingPoints::Normal {
        mean: -1.0,
        std: 0.5,
    };
    let uniform = StartingPoints::Uniform(Interval::new(-2.0, 3.0));
    for device in devices() {
        for (points, fraction) in [(&uniform, 0.05), (&normal, 0.3)] {
            let (restarted, fresh) = restarts(fraction, points, &device);
            let n = restarted.len() as f64;
            let share = restarted.iter().filter(|&&r| r).count() as f64 / n;
            let error = (fraction * (1.0 - fraction) / n).sqrt();
            assert_within_error(share, fraction, error, "restarts");
            // One restart doesn't make the next likelier: pairs of neighbours.
            let pairs = restarted.chunks(2).filter(|pair| pair == &[true, true]);
            let both = fraction * fraction;
            let error = (both * (1.0 - both) / (n / 2.0)).sqrt();
            assert_within_error(pairs.count() as f64 / (n / 2.0), both, error, "pairs");

            let probability = |x: &f64| match points {
                StartingPoints::Uniform(range) => (x - range.low) / range.width(),
                StartingPoints::Normal { mean, std } => phi((x - mean) / std),
                other => unreachable!("{other:?} isn't in the list"),
            };
            assert_uniform(fresh.iter().map(probability).collect(), "fresh");
        }
    }
}

#[test]
fn a_new_buffer_holds_starting_points() {
    for device in devices() {
        let normal = StartingPoints::Normal {
            mean: 2.0,
            std: 3.0,
        };
        let chains = stored(&buffer([400, 5, 5], 0.0, normal, Storage::F32, &device));
        let probabilities = chains.iter().map(|x| phi((x - 2.0) / 3.0));
        assert_uniform(probabilities.collect(), "normal");
        let uniform = StartingPoints::Uniform(Interval::new(-1.0, 3.0));
        let chains = stored(&buffer([400, 5, 5], 0.0, uniform, Storage::F32, &device));
        let probabilities = chains.iter().map(|x| (x + 1.0) / 4.0);
        assert_uniform(probabilities.collect(), "uniform");
        let binary = StartingPoints::Binary(Interval::new(-1.0, 3.0));
        let chains = stored(&buffer([400, 5, 5], 0.0, binary, Storage::F32, &device));
        assert!(chains.iter().all(|&x| x == -1.0 || x == 3.0));
        let high = chains.iter().filter(|&&x| x == 3.0).count() as f64;
        assert_within_error(high / 1e4, 0.5, 0.5 / 100.0, "binary");
    }
}

#[test]
fn a_restored_buffer_continues_to_the_bit() {
    for device in devices() {
        let range = Storage::U8(Interval::new(-1.0, 1.0));
        for storage in [Storage::F32, range] {
            let mut original = buffer([30, 4], 0.1, UNIT, storage, &device);
            let mut noise = Noise::new(6);
            let update = |buffer: &mut ReplayBuffer<2>, noise: &mut Noise| {
                let draw = buffer.draw(8, noise);
                let moved = draw.positions.mul_scalar(0.9).add_scalar(0.05);
                buffer.write_back(draw.indices, moved);
            };
            for _ in 0..10 {
                update(&mut original, &mut noise);
            }
            let config = ReplayBufferConfig {
                fresh_fraction: 0.1,
                starting_points: UNIT,
                storage,
            };
            let mut restored = ReplayBuffer::new([30, 4], config, &device, &mut Noise::new(123));
            assert_ne!(restored.to_data(), original.to_data());
            restored.restore(original.to_data()).unwrap();
            let mut restored_noise = noise.clone();
            for _ in 0..10 {
                update(&mut original, &mut noise);
                update(&mut restored, &mut restored_noise);
                assert_eq!(restored.to_data(), original.to_data());
            }
        }
    }
}

#[test]
fn chains_of_another_shape_are_refused_and_change_nothing() {
    let device = Device::flex();
    let mut buffer = buffer([4, 2, 3], 0.0, UNIT, Storage::F32, &device);
    let before = buffer.to_data();
    for shape in [[4, 5], [3, 6], [6, 4]] {
        let rows = vec![0.0; shape[0] * shape[1]];
        let error = buffer
            .restore(data(&rows, shape, Storage::F32))
            .unwrap_err();
        assert_eq!(error.found, shape);
        assert_eq!(error.expected, [4, 6]);
        assert_eq!(buffer.to_data(), before);
    }
    let flat = TensorData::new(vec![0.0_f32; 24], [24]);
    assert_eq!(buffer.restore(flat).unwrap_err().found, [24]);
}

/// Bytes read as values, or values cut to bytes, would be chains far from where they were.
#[test]
fn chains_of_another_storage_are_refused() {
    for device in devices() {
        let mut floats = buffer([2, 2], 0.0, UNIT, Storage::F32, &device);
        let mut bytes = buffer([2, 2], 0.0, UNIT, BYTES, &device);
        let message = floats.restore(bytes.to_data()).unwrap_err().to_string();
        assert_eq!(
            message,
            "the stored chains are U8 of shape [2, 2], but the buffer keeps F32 of shape [2, 2]"
        );
        assert!(bytes.restore(floats.to_data()).is_err());
    }
}

#[test]
#[should_panic(expected = "can't draw 5 chains from a buffer of 4")]
fn more_chains_than_there_are_can_not_be_drawn() {
    let buffer = buffer([4, 2], 0.0, UNIT, Storage::F32, &Device::flex());
    let _ = buffer.draw(5, &mut Noise::new(0));
}

#[test]
#[should_panic(expected = "at least one chain, got shape [0, 2]")]
fn a_buffer_without_chains_is_refused() {
    let _ = buffer([0, 2], 0.0, UNIT, Storage::F32, &Device::flex());
}

#[test]
#[should_panic(expected = "fresh_fraction must lie in [0, 1], got 1.5")]
fn a_fraction_above_one_is_refused() {
    let _ = buffer([4, 2], 1.5, UNIT, Storage::F32, &Device::flex());
}

#[test]
#[should_panic(expected = "low < high")]
fn an_empty_byte_range_is_refused() {
    let empty = Storage::U8(Interval::new(1.0, 1.0));
    let _ = buffer([4, 2], 0.0, UNIT, empty, &Device::flex());
}

#[test]
#[should_panic]
fn positions_that_do_not_match_the_indices_are_refused() {
    let device = Device::flex();
    let mut buffer = buffer([4, 2], 0.0, UNIT, Storage::F32, &device);
    let draw = buffer.draw(3, &mut Noise::new(0));
    buffer.write_back(draw.indices, draw.positions.narrow(0, 0, 2));
}
