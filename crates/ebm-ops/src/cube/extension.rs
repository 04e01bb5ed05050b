//! The operations of the workspace on GPUs.

use burn_cubecl::CubeBackend;
use burn_cubecl::tensor::CubeTensor;

use super::{draws, elementwise, langevin, metropolis, units};
use crate::description::{Distribution, Elementwise, LangevinStep, Place};
use crate::kernels::{Derivatives, Kernels};

impl Kernels for CubeBackend {
    fn elementwise(x: CubeTensor, function: Elementwise) -> CubeTensor {
        elementwise::values(x, function)
    }

    fn softplus_sum(x: CubeTensor) -> CubeTensor {
        units::softplus_sum(x)
    }

    fn draw(out: CubeTensor, distribution: Distribution, place: Place) -> CubeTensor {
        draws::draw(out, distribution, place)
    }

    fn coins(logits: CubeTensor, place: Place) -> CubeTensor {
        draws::coins(logits, place)
    }

    fn langevin_update(
        x: CubeTensor,
        gradient: CubeTensor,
        energies: CubeTensor,
        start: CubeTensor,
        step: LangevinStep,
    ) -> (CubeTensor, CubeTensor) {
        langevin::update(step, x, gradient, energies, start)
    }

    fn metropolis(log_ratio: CubeTensor, place: Place) -> (CubeTensor, CubeTensor) {
        metropolis::decide(log_ratio, place)
    }
}

impl Derivatives for CubeBackend {
    fn elementwise_gradient(
        x: CubeTensor,
        gradient: CubeTensor,
        function: Elementwise,
    ) -> CubeTensor {
        elementwise::gradient(x, gradient, function)
    }

    fn softplus_sum_gradient(x: CubeTensor, gradient: CubeTensor) -> CubeTensor {
        units::softplus_sum_gradient(x, gradient)
    }
}
