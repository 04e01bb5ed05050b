//! Machines from files of weights: layers, or pairs of units.

use burn::tensor::{Device, Tensor, TensorData};
use ebm_models::{Coding, ImageShape};

use super::{Import, SHAPE};
use crate::config::{ConfigError, ConfigTable, RunConfig};
use crate::kinds::{CODING, LayerNames, LayeredArrays, Machine, PairwiseArrays, Said, VISIBLE};
use crate::run::ModelFile;
use crate::weight_files::{WeightsFile, WrongArrays, square};
use ebm_train::files::memory;

/// A machine with layers.
pub(super) fn layered(
    file: &mut WeightsFile,
    asked: &Import,
    names: LayerNames,
    machine: fn(LayeredArrays, &Said<'_>) -> Result<Machine, WrongArrays>,
    device: &Device,
) -> Result<ModelFile, String> {
    let mut biases: Vec<Tensor<1>> = vec![take(file, &names.bias(0), None, device)?];
    match names {
        LayerNames::One => biases.push(take(file, &names.bias(1), None, device)?),
        LayerNames::Stack => {
            while file.arrays.contains_key(&names.bias(biases.len())) {
                biases.push(take(file, &names.bias(biases.len()), None, device)?);
            }
            if biases.len() < 3 {
                return Err(format!(
                    "found {} of the arrays {}, {}, ..., expected two or more, one a hidden layer",
                    biases.len() - 1,
                    names.bias(1),
                    names.bias(2)
                ));
            }
        }
    }
    let sizes: Vec<usize> = biases.iter().map(|bias| bias.dims()[0]).collect();
    let weights = sizes
        .windows(2)
        .enumerate()
        .map(|(l, pair)| take(file, &names.weight(l), Some([pair[0], pair[1]]), device))
        .collect::<Result<_, _>>()?;
    let arrays = LayeredArrays { weights, biases };
    let machine = machine(arrays, &asked.said(file)).map_err(|WrongArrays(message)| message)?;
    finished(file, asked, machine, sizes[0])
}

/// A pairwise machine.
pub(super) fn pairwise(
    file: &mut WeightsFile,
    asked: &Import,
    coding: Option<Coding>,
    machine: fn(PairwiseArrays) -> Machine,
    device: &Device,
) -> Result<ModelFile, String> {
    let said = |file: &WeightsFile, option| -> Result<Option<usize>, String> {
        asked
            .said(file)
            .option(option)
            .map_err(|WrongArrays(message)| message)
    };
    let coding = match coding {
        Some(coding) => coding,
        None => asked
            .said(file)
            .option(&CODING)
            .map_err(|WrongArrays(message)| message)?
            .unwrap_or_default(),
    };
    let bias: Tensor<1> = take(file, "bias", None, device)?;
    let units = bias.dims()[0];
    let weight = take(file, "weight", Some([units, units]), device)?;
    let (weight, bias) = without_diagonal(weight, bias, coding)?;
    let visible = said(file, &VISIBLE)?.unwrap_or(units);
    if !(1..=units).contains(&visible) {
        return Err(format!(
            "it has {units} units, so that {visible} of them can't be visible: expected 1 to {units}"
        ));
    }
    let machine = machine(PairwiseArrays {
        weight,
        bias,
        visible,
        coding,
    });
    finished(file, asked, machine, visible)
}

/// The model with the configuration of a run that samples from it, once nothing is left in the
/// file.
fn finished(
    file: &WeightsFile,
    asked: &Import,
    machine: Machine,
    visible: usize,
) -> Result<ModelFile, String> {
    let config = config(&machine).map_err(|error| error.to_string())?;
    nothing_left(file)?;
    let shape: ImageShape = file
        .agreed(SHAPE, asked.shape)?
        .unwrap_or_else(|| square(visible));
    let shape = <[usize; 3]>::from(shape);
    let values = memory::product(&shape);
    if values != visible as u128 {
        return Err(format!(
            "it has {visible} visible units, but the shape {shape:?} (channels, height, width) has {values}"
        ));
    }
    Ok(ModelFile::new(machine.model, config, shape))
}

fn nothing_left(file: &WeightsFile) -> Result<(), String> {
    if file.arrays.is_empty() {
        return Ok(());
    }
    let left = crate::text::listing::listed(file.arrays.keys().map(String::as_str));
    Err(format!(
        "it has arrays that this model doesn't: {left}; is it of another kind (`--model`), or do they belong to another part (`--prefix`)?"
    ))
}

/// An array, of the shape that the biases say where that is known.
fn take<const D: usize>(
    file: &mut WeightsFile,
    name: &str,
    expected: Option<[usize; D]>,
    device: &Device,
) -> Result<Tensor<D>, String> {
    if let Some(data) = file.arrays.get(name) {
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
    Ok(Tensor::from_data(file.take(name)?, device))
}

/// The same energies without a diagonal of the couplings, `-1/2 sum_i W_ii y_i^2`: of units that
/// are 0 or 1 it is a bias of `W_ii / 2`, of spins a constant, which has to be 0.
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

/// The configuration of an imported machine: Gibbs sampling, and data wherever `--data` says.
fn config(machine: &Machine) -> Result<RunConfig, ConfigError> {
    let mut table = ConfigTable::from_preset("rbm-mnist")?;
    table.set_model(&machine.keys)?;
    if let Some(coding) = machine.keys.kind().visible_values().coding() {
        table.set(&format!(
            "data.range=[{:?}, {:?}]",
            coding.low(),
            coding.high()
        ))?;
    }
    for change in machine.changes {
        table.set(change)?;
    }
    table.read()
}
