//! What the tests of the models share: devices, host-side f64 references and a quadratic energy.
#![allow(dead_code)] // each test file uses a part

pub(crate) mod machine;
pub(crate) mod maps;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor};
use ebm_models::{Activation, Energy};
use ebm_testing::phi;
#[allow(unused_imports)]
pub(crate) use ebm_testing::{assert_close, bits, devices, tensor, values};

/// One parameter tensor on the host.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Parameter {
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Vec<f64>,
}

/// The parameters of a model in the order of its fields.
pub(crate) fn parameters<M: Module>(model: &M) -> Vec<Parameter> {
    struct Collect(Vec<Parameter>);

    impl ModuleVisitor for Collect {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.0.push(Parameter {
                shape: param.val().dims().to_vec(),
                values: values(param.val()),
            });
        }
    }

    let mut collect = Collect(Vec::new());
    model.visit(&mut collect);
    collect.0
}

/// The gradient of the energies of a batch with respect to the batch.
pub(crate) fn input_gradient<E: Energy<D>, const D: usize>(model: &E, x: Tensor<D>) -> Vec<f64> {
    let x = x.autodiff().require_grad();
    let gradients = model.energy(x.clone()).sum().backward();
    values(x.grad(&gradients).expect("the energy depends on x"))
}

/// Central differences of `f` at `x`, in f64 with step `h = 1e-5`: the truncation error
/// `h^2 / 6 |f'''|` and the rounding error `1e-16 |f| / h` both stay below 1e-10 for functions of
/// order 1, far below the rounding of f32.
pub(crate) fn numeric_gradient(f: impl Fn(&[f64]) -> f64, x: &[f64]) -> Vec<f64> {
    let h = 1e-5;
    (0..x.len())
        .map(|i| {
            let shifted = |by: f64| {
                let mut x = x.to_vec();
                x[i] += by;
                f(&x)
            };
            (shifted(h) - shifted(-h)) / (2.0 * h)
        })
        .collect()
}

/// `f` of a batch of images, as the network found it, and the gradient of its energy are those of a
/// naive `f` of one image.
pub(crate) fn assert_naive<E: Energy<4>>(
    model: &E,
    forward: Tensor<1>,
    x: Tensor<4>,
    naive: impl Fn(&[f64]) -> f64,
    rounding: f64,
    what: &str,
) {
    let (host, count) = (values(x.clone()), x.dims()[0]);
    let images = || host.chunks(host.len() / count);
    let expected: Vec<f64> = images().map(&naive).collect();
    assert_eq!(forward.dims(), [count]);
    assert_close(&values(forward.clone()), &expected, rounding, what);
    assert_eq!(bits(model.energy(x.clone())), bits(forward.neg()), "{what}");

    let expected: Vec<f64> = images()
        .flat_map(|x| numeric_gradient(|x| -naive(x), x))
        .collect();
    assert_close(&input_gradient(model, x), &expected, rounding, what);
}

pub(crate) const ACTIVATIONS: [Activation; 9] = [
    Activation::Swish,
    Activation::Relu,
    Activation::LeakyRelu(0.01),
    Activation::LeakyRelu(0.2),
    Activation::Elu,
    Activation::Gelu,
    Activation::Softplus,
    Activation::Tanh,
    Activation::Sigmoid,
];

/// The formulas of the activations in f64.
pub(crate) fn activate(activation: Activation, x: f64) -> f64 {
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    match activation {
        Activation::Swish => x * sigmoid(x),
        Activation::Relu => x.max(0.0),
        Activation::LeakyRelu(slope) => {
            if x > 0.0 {
                x
            } else {
                slope * x
            }
        }
        Activation::Elu => {
            if x > 0.0 {
                x
            } else {
                x.exp_m1()
            }
        }
        Activation::Gelu => x * phi(x),
        Activation::Softplus => x.max(0.0) + (-x.abs()).exp().ln_1p(),
        Activation::Tanh => x.tanh(),
        Activation::Sigmoid => sigmoid(x),
    }
}

/// `y = x W + b` for one vector, `W: [inputs, outputs]`, read off the front of `parameters`.
pub(crate) fn linear(parameters: &mut &[Parameter], x: &[f64]) -> Vec<f64> {
    let [weight, bias, rest @ ..] = parameters else {
        panic!("a layer has a weight and a bias");
    };
    *parameters = rest;
    let [inputs, outputs] = weight.shape[..] else {
        panic!("a weight has two dimensions");
    };
    assert_eq!(x.len(), inputs);
    (0..outputs)
        .map(|j| {
            let products = (0..inputs).map(|i| x[i] * weight.values[i * outputs + j]);
            bias.values[j] + products.sum::<f64>()
        })
        .collect()
}

/// `E(x) = |x - centre|^2 / (2 variance) + offset`; the centre is a parameter.
#[derive(Module, Debug)]
pub(crate) struct Quadratic {
    centre: Param<Tensor<1>>,
    #[module(skip)]
    pub(crate) variance: f64,
    #[module(skip)]
    pub(crate) offset: f64,
}

impl Quadratic {
    pub(crate) fn new(centre: &[f64], variance: f64, offset: f64, device: &Device) -> Self {
        Self {
            centre: Param::from_tensor(tensor(centre, [centre.len()], device)),
            variance,
            offset,
        }
    }

    pub(crate) fn at(&self, x: &[f64]) -> f64 {
        let centre = values(self.centre.val());
        let squares = x.iter().zip(centre).map(|(x, c)| (x - c) * (x - c));
        squares.sum::<f64>() / (2.0 * self.variance) + self.offset
    }

    pub(crate) fn gradient_at(&self, x: &[f64]) -> Vec<f64> {
        let centre = values(self.centre.val());
        x.iter()
            .zip(centre)
            .map(|(x, c)| (x - c) / self.variance)
            .collect()
    }

    pub(crate) fn centre(&self) -> Tensor<1> {
        self.centre.val()
    }
}

impl<const D: usize> Energy<D> for Quadratic {
    fn energy(&self, x: Tensor<D>) -> Tensor<1> {
        let shape = x.dims();
        let x: Tensor<2> = x.reshape([shape[0], shape[1..].iter().product()]);
        let squares = (x - self.centre.val().unsqueeze()).square();
        let sums: Tensor<1> = squares.sum_dim(1).squeeze_dim(1);
        sums.div_scalar(2.0 * self.variance).add_scalar(self.offset)
    }
}
