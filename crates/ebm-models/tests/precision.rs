//! Half precision: exact where products are exact, one rounding of a weight, none of biases.
#![allow(clippy::unwrap_used)]

use burn::module::Module;
use burn::tensor::{DType, Device, Tensor};
use ebm_models::{Energy, MlpConfig, Precision, Rbm, VisibleUnits};
use ebm_ops::Noise;

const HALVES: [Precision; 2] = [Precision::Bf16, Precision::F16];

fn floats(x: Tensor<1>) -> Vec<f32> {
    x.into_data().iter::<f32>().collect()
}

fn machine(weight: [[f32; 2]; 2], visible: [f32; 2], device: &Device) -> Rbm {
    Rbm::from_parameters(
        Tensor::from_floats(weight, device),
        Tensor::from_floats(visible, device),
        Tensor::zeros([2], device),
        VisibleUnits::Bernoulli,
    )
}

fn states(device: &Device) -> Tensor<2> {
    Tensor::from_floats([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], device)
}

#[test]
fn weights_of_few_bits_give_the_energies_of_f32() {
    let device = Device::flex();
    // Sums of quarters below 4 have fewer bits than either type; biases need all of f32's.
    let machine = machine([[0.25, -1.5], [2.0, 0.75]], [0.1, -0.3], &device);
    let expected = floats(machine.energy(states(&device)));
    for precision in HALVES {
        let narrow = precision.frozen(&machine);
        assert_eq!(
            floats(narrow.energy(states(&device))),
            expected,
            "{precision}"
        );
    }
}

#[test]
fn a_weight_is_rounded_once_and_to_the_nearest() {
    let device = Device::flex();
    for (precision, unit) in [
        (Precision::Bf16, 2.0_f32.powi(-8)),
        (Precision::F16, 2.0_f32.powi(-11)),
    ] {
        // The step above 1 is 2 units: three quarters of it are rounded up to the next value, a
        // quarter is lost.
        let weight = [[1.0 + 1.5 * unit, 0.0], [0.0, 1.0 + 0.5 * unit]];
        let rounded = [[1.0 + 2.0 * unit, 0.0], [0.0, 1.0]];
        let bias = [1.0 + 0.5 * unit, 0.0];
        let narrow = precision.frozen(&machine(weight, bias, &device));
        let found = floats(narrow.energy(states(&device)));
        let expected = floats(machine(rounded, bias, &device).energy(states(&device)));
        assert_eq!(found, expected, "{precision}");
        let wide = floats(machine(weight, bias, &device).energy(states(&device)));
        assert_ne!(found, wide, "{precision}: nothing was rounded");
    }
}

#[test]
fn only_weights_change_their_type_and_only_in_the_copy() {
    let device = Device::flex();
    let model = MlpConfig::new(3, vec![4]).init(&device, &mut Noise::new(1));
    let before = floats(model.energy(Tensor::<2>::ones([2, 3], &device)));
    for precision in Precision::ALL {
        let copy = precision.frozen(&model);
        let x = Tensor::<2>::ones([2, 3], &device);
        assert_eq!(copy.energy(x).dtype(), DType::F32, "{precision}");
        assert_eq!(copy.num_params(), model.num_params());
    }
    let after = floats(model.energy(Tensor::<2>::ones([2, 3], &device)));
    assert_eq!(before, after);
    let same = floats(
        Precision::F32
            .frozen(&model)
            .energy(Tensor::<2>::ones([2, 3], &device)),
    );
    assert_eq!(before, same);
}
