//! Boltzmann machines from files of weights with documented names.

use burn::tensor::{Device, Tensor, TensorData};
use ebm_models::{BoltzmannMachine, Coding, Dbm, Hopfield, Rbm, VisibleUnits};

use super::ImportedMachine;
use super::weights_file::WeightsFile;
use crate::config::{ConfigTable, RunConfig};
use crate::network::Network;

/// Metadata keys of what the arrays don't say.
pub(super) const VISIBLE_UNITS: &str = "visible_units";
pub(super) const CODING: &str = "coding";
pub(super) const VISIBLE: &str = "visible";

/// The arrays of a machine, taken out one by one.
pub(super) struct Machine<'a> {
    pub(super) file: &'a mut WeightsFile,
    pub(super) device: &'a Device,
}

impl Machine<'_> {
    /// The model, its number of visible units, and a configuration that samples from it.
    pub(super) fn model(
        &mut self,
        kind: ImportedMachine,
    ) -> Result<(Network, usize, RunConfig), String> {
        match kind {
            ImportedMachine::Rbm { visible_units } => {
                let visible_units = self
                    .file
                    .agreed(VISIBLE_UNITS, visible_units)?
                    .unwrap_or_default();
                let visible = self.vector("visible_bias")?;
                let hidden = self.vector("hidden_bias")?;
                let sizes = [visible.dims()[0], hidden.dims()[0]];
                let weight = self.matrix("weight", sizes)?;
                let model = Rbm::from_parameters(weight, visible, hidden, visible_units);
                let units = match visible_units {
                    VisibleUnits::Bernoulli => "bernoulli",
                    VisibleUnits::Gaussian => "gaussian",
                };
                let mut changes = vec![format!(
                    "model={{kind=\"rbm\", hidden={}, visible_units=\"{units}\"}}",
                    sizes[1]
                )];
                if visible_units == VisibleUnits::Gaussian {
                    // Grey pixels stay grey, and chains start where standardised data lie.
                    changes.push("data.binarize=none".into());
                    changes.push("chains.start=\"normal\"".into());
                }
                let config = config(&changes)?;
                Ok((Network::Rbm(model), sizes[0], config))
            }
            ImportedMachine::Dbm => {
                let mut biases = vec![self.vector("visible_bias")?];
                while self.file.arrays.contains_key(&hidden_bias(biases.len())) {
                    biases.push(self.vector(&hidden_bias(biases.len()))?);
                }
                if biases.len() < 3 {
                    return Err(format!(
                        "found {} of the arrays hidden_biases.0, hidden_biases.1, ..., expected two or more, one a hidden layer",
                        biases.len() - 1
                    ));
                }
                let sizes: Vec<usize> = biases.iter().map(|bias| bias.dims()[0]).collect();
                let weights = sizes
                    .windows(2)
                    .enumerate()
                    .map(|(l, pair)| self.matrix(&format!("weights.{l}"), [pair[0], pair[1]]))
                    .collect::<Result<_, _>>()?;
                let config =
                    config(&[format!("model={{kind=\"dbm\", hidden={:?}}}", &sizes[1..])])?;
                let model = Dbm::from_parameters(weights, biases);
                Ok((Network::Dbm(model), sizes[0], config))
            }
            ImportedMachine::BoltzmannMachine { coding, visible } => {
                let coding = self.file.agreed(CODING, coding)?.unwrap_or_default();
                let (weight, bias, visible) = self.pairwise(visible, coding)?;
                let hidden = bias.dims()[0] - visible;
                let (name, low) = match coding {
                    Coding::Spin => ("spin", "-1.0"),
                    Coding::Binary => ("binary", "0.0"),
                };
                let config = config(&[
                    format!(
                        "model={{kind=\"boltzmann_machine\", hidden={hidden}, coding=\"{name}\"}}"
                    ),
                    format!("data.range=[{low}, 1.0]"),
                ])?;
                let model = BoltzmannMachine::from_parameters(weight, bias, visible, coding);
                Ok((Network::BoltzmannMachine(model), visible, config))
            }
            ImportedMachine::Hopfield { visible } => {
                let (weight, bias, visible) = self.pairwise(visible, Coding::Spin)?;
                let hidden = bias.dims()[0] - visible;
                let config = config(&[
                    format!("model={{kind=\"hopfield\", hidden={hidden}}}"),
                    "data.range=[-1.0, 1.0]".into(),
                    "sampler.temperature=0.0".into(),
                ])?;
                let model = Hopfield::from_parameters(weight, bias, visible);
                Ok((Network::Hopfield(model), visible, config))
            }
        }
    }

    /// Couplings without a diagonal, biases, and the number of visible units.
    fn pairwise(
        &mut self,
        visible: Option<usize>,
        coding: Coding,
    ) -> Result<(Tensor<2>, Tensor<1>, usize), String> {
        let bias = self.vector("bias")?;
        let units = bias.dims()[0];
        let weight = self.matrix("weight", [units, units])?;
        let (weight, bias) = without_diagonal(weight, bias, coding)?;
        let visible = self.file.agreed(VISIBLE, visible)?.unwrap_or(units);
        if !(1..=units).contains(&visible) {
            return Err(format!(
                "it has {units} units, so that {visible} of them can't be visible: expected 1 to {units}"
            ));
        }
        Ok((weight, bias, visible))
    }

    fn vector(&mut self, name: &str) -> Result<Tensor<1>, String> {
        self.take(name, None)
    }

    fn matrix(&mut self, name: &str, expected: [usize; 2]) -> Result<Tensor<2>, String> {
        self.take(name, Some(expected))
    }

    fn take<const D: usize>(
        &mut self,
        name: &str,
        expected: Option<[usize; D]>,
    ) -> Result<Tensor<D>, String> {
        if let Some(data) = self.file.arrays.get(name) {
            let shape = data.shape().as_slice().to_vec();
            let fits = expected.map_or(shape.len() == D, |expected| shape == expected);
            if !fits {
                let expected = expected.map_or_else(
                    || format!("{D} dimension"),
                    |expected| format!("{expected:?}, as the biases say"),
                );
                return Err(format!(
                    "array `{name}` has shape {shape:?}, expected {expected}"
                ));
            }
        }
        Ok(Tensor::from_data(self.file.take(name)?, self.device))
    }
}

/// The same energies without a diagonal of the couplings, `-1/2 sum_i W_ii y_i^2`: of units that are 0 or 1 it is a bias of
/// `W_ii / 2`, of spins a constant, which has to be 0.
fn without_diagonal(
    weight: Tensor<2>,
    bias: Tensor<1>,
    coding: Coding,
) -> Result<(Tensor<2>, Tensor<1>), String> {
    let [units, _] = weight.dims();
    let device = weight.device();
    let mut couplings: Vec<f32> = weight.into_data().iter::<f32>().collect();
    let mut biases: Vec<f32> = bias.into_data().iter::<f32>().collect();
    let mut sum = 0.0;
    for (unit, bias) in biases.iter_mut().enumerate() {
        let own = f64::from(std::mem::take(&mut couplings[unit * (units + 1)]));
        sum += own;
        if coding == Coding::Binary {
            *bias = (f64::from(*bias) + own / 2.0) as f32;
            if !bias.is_finite() {
                return Err(format!(
                    "value {unit} of array `bias` with half of the diagonal of `weight` is not a finite 32-bit number"
                ));
            }
        }
    }
    if coding == Coding::Spin && sum != 0.0 {
        return Err(format!(
            "array `weight` has a diagonal, which adds {} to the energy of every state of spins, and log Z of this model \
             would be off by that: set its diagonal to 0, which changes no probability (log Z of the file's energy is that of the \
             model plus {})",
            -sum / 2.0,
            sum / 2.0
        ));
    }
    Ok((
        Tensor::from_data(TensorData::new(couplings, [units, units]), &device),
        Tensor::from_data(TensorData::new(biases, [units]), &device),
    ))
}

fn hidden_bias(layer: usize) -> String {
    format!("hidden_biases.{}", layer - 1)
}

/// The configuration of an imported model: Gibbs sampling, and data wherever `--data` says.
fn config(changes: &[String]) -> Result<RunConfig, String> {
    let read = || {
        let mut table = ConfigTable::from_preset("rbm-mnist")?;
        for change in changes {
            table.set(change)?;
        }
        table.read()
    };
    read().map_err(|error: crate::config::ConfigError| error.to_string())
}
