//! Step sizes of Langevin dynamics over parameters, as functions of the step.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use super::error::{SgldError, check, check_positive};

/// The step size `eps_t` of step `t`, from 0: a function of the step, so that it has no state to
/// save.
///
/// Units are those of a squared parameter a nat; see
/// [`StochasticGradientLangevin`](super::StochasticGradientLangevin) for how large it may be, and
/// what it costs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Form", into = "Form")]
pub struct StepSizeSchedule {
    form: Form,
}

/// A schedule as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum Form {
    Constant {
        step_size: f64,
    },
    Polynomial {
        scale: f64,
        offset: f64,
        exponent: f64,
    },
    CyclicalCosine {
        initial: f64,
        period: u64,
        exploration: f64,
    },
}

impl StepSizeSchedule {
    /// `eps_t = step_size`: the chain has one stationary distribution, which is off the posterior
    /// by a bias of order `step_size` (Vollmer, Zygalakis & Teh 2016).
    ///
    /// # Errors
    ///
    /// If `step_size` isn't above 0 and finite.
    pub fn constant(step_size: f64) -> Result<Self, SgldError> {
        Self::try_from(Form::Constant { step_size })
    }

    /// `eps_t = scale (offset + t)^-exponent`.
    ///
    /// An exponent in `(1/2, 1]` is what Welling & Teh (2011), equation 2, ask for: `sum eps_t`
    /// diverges, so that the chain can go anywhere from wherever it starts, and `sum eps_t^2`
    /// converges, so that bias and gradient noise die out. Later draws are closer to each other,
    /// and an average should weigh each by its step size (their section 4.2).
    ///
    /// # Errors
    ///
    /// If `scale` or `offset` isn't above 0 and finite, or `exponent` isn't in `(1/2, 1]`.
    pub fn polynomial(scale: f64, offset: f64, exponent: f64) -> Result<Self, SgldError> {
        Self::try_from(Form::Polynomial {
            scale,
            offset,
            exponent,
        })
    }

    /// `eps_t = initial / 2 (1 + cos(pi p))` with `p = (t mod period) / period`: each cycle starts
    /// with steps large enough to leave a mode, and ends with small ones inside another (Zhang, Li,
    /// Zhang, Chen & Wilson, ICLR 2020, equation 1).
    ///
    /// While `p < exploration` steps are made without noise: they look for a mode, and are no draws
    /// of anything. Keep draws only where [`explores`](Self::explores) is false.
    ///
    /// # Errors
    ///
    /// If `initial` isn't above 0 and finite, `period` is 0, or `exploration` isn't in `[0, 1)`.
    pub fn cyclical_cosine(initial: f64, period: u64, exploration: f64) -> Result<Self, SgldError> {
        Self::try_from(Form::CyclicalCosine {
            initial,
            period,
            exploration,
        })
    }

    /// The size of step `step`, from 0.
    pub fn at(&self, step: u64) -> f64 {
        match self.form {
            Form::Constant { step_size } => step_size,
            Form::Polynomial {
                scale,
                offset,
                exponent,
            } => scale * (offset + step as f64).powf(-exponent),
            Form::CyclicalCosine {
                initial, period, ..
            } => 0.5 * initial * (1.0 + (PI * progress(step, period)).cos()),
        }
    }

    /// Whether step `step`, from 0, is one that is made without noise.
    pub fn explores(&self, step: u64) -> bool {
        match self.form {
            Form::Constant { .. } | Form::Polynomial { .. } => false,
            Form::CyclicalCosine {
                period,
                exploration,
                ..
            } => progress(step, period) < exploration,
        }
    }
}

/// The part of a cycle that is over.
fn progress(step: u64, period: u64) -> f64 {
    (step % period) as f64 / period as f64
}

impl TryFrom<Form> for StepSizeSchedule {
    type Error = SgldError;

    fn try_from(form: Form) -> Result<Self, SgldError> {
        match form {
            Form::Constant { step_size } => check_positive("step_size", step_size)?,
            Form::Polynomial {
                scale,
                offset,
                exponent,
            } => {
                check_positive("scale", scale)?;
                check_positive("offset", offset)?;
                check(
                    exponent > 0.5 && exponent <= 1.0,
                    "exponent",
                    exponent,
                    "a number above 1/2, at most 1",
                )?;
            }
            Form::CyclicalCosine {
                initial,
                period,
                exploration,
            } => {
                check_positive("initial", initial)?;
                check(period > 0, "period", period as f64, "at least 1 step")?;
                check(
                    (0.0..1.0).contains(&exploration),
                    "exploration",
                    exploration,
                    "a number of at least 0, below 1",
                )?;
            }
        }
        Ok(Self { form })
    }
}

impl From<StepSizeSchedule> for Form {
    fn from(schedule: StepSizeSchedule) -> Self {
        schedule.form
    }
}
