//! What a stopped chain over parameters needs to go on bit for bit, as named arrays and counters.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Tensor, TensorData};

use super::error::SgldError;
use super::langevin::StochasticGradientLangevin;
use super::preconditioner::MeanSquare;
use crate::saving::{ModulePath, floats, track_path};

/// Names in a state.
const STEPS: &str = "steps";
const SKIPPED: &str = "skipped";
const MEAN_SQUARE: &str = "mean_square";
const UPDATES: &str = "updates";
/// The most steps, beyond which an f64 skips numbers.
const MOST_STEPS: u64 = 1 << 53;

impl StochasticGradientLangevin {
    /// What a chain remembers: arrays by `parameter.mean_square`, and counters,
    /// `parameter.updates`, `steps` and `skipped`.
    ///
    /// With the module's [`weights`](crate::weights) and the `Noise`, all of the chain: restored,
    /// it goes on bit for bit.
    pub fn state(&self) -> (BTreeMap<String, TensorData>, BTreeMap<String, u64>) {
        let mut arrays = BTreeMap::new();
        let mut counters = BTreeMap::from([
            (STEPS.to_string(), self.steps),
            (SKIPPED.to_string(), self.skipped),
        ]);
        for (name, mean_square) in &self.mean_squares {
            // The data have the array's own shape, whatever rank is asked for here.
            let data = Tensor::<1>::from_bridge(mean_square.value.clone()).into_data();
            arrays.insert(format!("{name}.{MEAN_SQUARE}"), data);
            counters.insert(format!("{name}.{UPDATES}"), mean_square.updates);
        }
        (arrays, counters)
    }

    /// Restores what [`state`](Self::state) gave, for the parameters of `module`.
    ///
    /// # Errors
    ///
    /// If the state isn't that of a chain with these settings over this module. Nothing has changed
    /// then.
    pub fn restore<M: Module>(
        &mut self,
        module: &M,
        arrays: BTreeMap<String, TensorData>,
        counters: BTreeMap<String, u64>,
    ) -> Result<(), SgldError> {
        let steps = within(STEPS, counter(&counters, STEPS)?, 0, MOST_STEPS)?;
        let skipped = within(SKIPPED, counter(&counters, SKIPPED)?, 0, MOST_STEPS)?;
        if self.config.preconditioner.is_some() && steps > 0 && arrays.is_empty() {
            return Err(SgldError::MissingMeanSquares { steps });
        }
        let mut restore = Restore {
            path: ModulePath::default(),
            steps,
            arrays,
            counters,
            mean_squares: BTreeMap::new(),
            problem: None,
        };
        if self.config.preconditioner.is_some() {
            module.visit(&mut restore);
        }
        if let Some(problem) = restore.problem {
            return Err(problem);
        }
        if let Some(name) = restore.arrays.into_keys().next() {
            return Err(SgldError::UnknownArray { name });
        }
        self.mean_squares = restore.mean_squares;
        (self.steps, self.skipped) = (steps, skipped);
        Ok(())
    }
}

fn counter(counters: &BTreeMap<String, u64>, name: &str) -> Result<u64, SgldError> {
    counters
        .get(name)
        .copied()
        .ok_or_else(|| SgldError::MissingCounter { name: name.into() })
}

fn within(name: &str, found: u64, least: u64, most: u64) -> Result<u64, SgldError> {
    if (least..=most).contains(&found) {
        return Ok(found);
    }
    Err(SgldError::Counter {
        name: name.into(),
        found,
        least,
        most,
    })
}

struct Restore {
    path: ModulePath,
    steps: u64,
    arrays: BTreeMap<String, TensorData>,
    counters: BTreeMap<String, u64>,
    mean_squares: BTreeMap<String, MeanSquare>,
    problem: Option<SgldError>,
}

impl Restore {
    fn mean_square<const D: usize>(
        &mut self,
        parameter: &str,
        param: &Param<Tensor<D>>,
    ) -> Result<(), SgldError> {
        let name = format!("{parameter}.{MEAN_SQUARE}");
        // A parameter that was frozen has none.
        let Some(data) = self.arrays.remove(&name) else {
            return Ok(());
        };
        let expected = param.lazy_shape();
        if *data.shape() != expected {
            return Err(SgldError::Shape {
                name,
                found: data.shape().to_vec(),
                expected: expected.to_vec(),
            });
        }
        let data = floats(data).map_err(|found| SgldError::Type {
            name: name.clone(),
            found,
        })?;
        let updates = format!("{parameter}.{UPDATES}");
        let updates = within(&updates, counter(&self.counters, &updates)?, 1, self.steps)?;
        let value = Tensor::<D>::from_data(data, &param.lazy_device().inner()).into_bridge();
        self.mean_squares
            .insert(parameter.to_string(), MeanSquare { value, updates });
        Ok(())
    }
}

impl ModuleVisitor for Restore {
    track_path!();

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let parameter = self.path.name();
        if let Err(problem) = self.mean_square(&parameter, param) {
            self.problem.get_or_insert(problem);
        }
    }
}
