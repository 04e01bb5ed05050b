//! Flex's kernels for the operations that GPUs have kernels for as well.

use burn::backend::Flex;
use burn::backend::flex::FlexTensor;

use super::{chains, elementwise, langevin, units};
use crate::description::{Distribution, Elementwise, LangevinStep, Place};
use crate::kernels::{Derivatives, Kernels};

impl Kernels for Flex {
    fn elementwise(x: FlexTensor, function: Elementwise) -> FlexTensor {
        elementwise::values(x, function)
    }

    fn softplus_sum(x: FlexTensor) -> FlexTensor {
        units::softplus_sum(&x)
    }

    fn draw(out: FlexTensor, distribution: Distribution, place: Place) -> FlexTensor {
        units::draw(out, distribution, place)
    }

    fn coins(logits: FlexTensor, place: Place) -> FlexTensor {
        units::coins(logits, place)
    }

    fn langevin_update(
        x: FlexTensor,
        gradient: FlexTensor,
        energies: FlexTensor,
        start: FlexTensor,
        step: LangevinStep,
    ) -> (FlexTensor, FlexTensor) {
        langevin::update(step, x, &gradient, &energies, &start)
    }

    fn metropolis(log_ratio: FlexTensor, place: Place) -> (FlexTensor, FlexTensor) {
        chains::metropolis(log_ratio, place)
    }
}

impl Derivatives for Flex {
    fn elementwise_and_kept(x: FlexTensor, function: Elementwise) -> (FlexTensor, FlexTensor) {
        elementwise::values_and_slopes(x, function)
    }

    fn elementwise_gradient(
        slopes: FlexTensor,
        gradient: FlexTensor,
        _function: Elementwise,
    ) -> FlexTensor {
        elementwise::product(gradient, slopes)
    }

    fn softplus_sum_and_kept(x: FlexTensor) -> (FlexTensor, FlexTensor) {
        units::softplus_sum_and_means(x)
    }

    fn softplus_sum_gradient(means: FlexTensor, gradient: FlexTensor) -> FlexTensor {
        units::scale_rows(means, &gradient)
    }
}
