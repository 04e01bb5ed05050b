//! The negative phase: where the chains of an update start, and what becomes of them.

use burn::tensor::{Device, Int, Tensor, TensorData};
use ebm_models::Energy;
use ebm_ops::{Interval, Noise};
use ebm_sampling::{Interrupt, ReplayBuffer, ReplayBufferConfig, StartingPoints, Storage};

use super::config::{ChainStorage, ChainsConfig};
use super::eviction::Eviction;
use super::transition_kernel::TransitionKernel;
use crate::augmentation::{Augmentation, augmented};
use crate::metrics::{DeviceScalars, Scalar};
use crate::saving::{StateMismatch, floats};

/// Where negatives come from, chosen by the configuration.
#[derive(Clone, Debug)]
pub enum NegativePhase<const D: usize> {
    /// Chains of a buffer, drawn and written back. Persistent chains are a buffer of one batch.
    Buffer(ReplayBuffer<D>, Care),
    /// Persistent chains with replicas at several temperatures, row by row:
    /// `[temperatures * batch, ..]`.
    Replicas(Tensor<D>),
    /// Chains that start at the data: CD-k.
    Data,
    /// Chains that start at noise.
    Noise(StartingPoints),
}

/// What is done about the chains of a buffer before and after they move.
#[derive(Clone, Copy, Debug, Default)]
pub struct Care {
    /// How images are changed before they move.
    pub augmentation: Option<Augmentation>,
    /// Which start anew once they have moved.
    pub eviction: Option<Eviction>,
}

/// The samples of one update.
#[derive(Clone, Debug)]
pub struct Negatives<const D: usize> {
    /// Where the chains ended: `[batch, ..]`.
    pub samples: Tensor<D>,
    /// Where all replicas of the chains ended: the samples, then those of higher temperatures.
    replicas: Tensor<D>,
    /// Root mean square distance, per value, between the two ends of a chain: `[1]`.
    pub displacement: Tensor<1>,
    /// Mean share of accepted proposals, of swaps where only those can be rejected: `[1]`; `None`
    /// for a sampler that never rejects.
    pub acceptance: Option<Tensor<1>>,
    /// Steps that were not finite and sent their chain back to its start: `[1]`; `None` for a
    /// sampler that rejects.
    pub resets: Option<Tensor<1>>,
    /// Which chains of the buffer these are.
    indices: Option<Tensor<1, Int>>,
    /// What replaces the evicted ones among them.
    evicted: Option<Evicted<D>>,
}

/// What becomes of the chains of a buffer that evicts some.
#[derive(Clone, Debug)]
struct Evicted<const D: usize> {
    /// The chains that are kept, fresh ones in the place of the evicted: `[batch, ..]`.
    chains: Tensor<D>,
    /// The share of the evicted: `[1]`.
    share: Tensor<1>,
}

impl<const D: usize> Negatives<D> {
    /// What the chains have to tell, on the device.
    pub(crate) fn scalars(&self) -> DeviceScalars {
        let displacement = (Scalar::DISPLACEMENT, self.displacement.clone());
        let acceptance = self
            .acceptance
            .clone()
            .map(|share| (Scalar::ACCEPTANCE, share));
        let resets = self.resets.clone().map(|count| (Scalar::RESETS, count));
        let evicted = self.evicted.as_ref();
        let evicted = evicted.map(|evicted| (Scalar::EVICTED, evicted.share.clone()));
        [displacement]
            .into_iter()
            .chain(acceptance)
            .chain(resets)
            .chain(evicted)
            .collect()
    }
}

impl<const D: usize> NegativePhase<D> {
    /// The phase of a configuration, for batches of `shape` = `[batch, ..]` of data in `range`.
    pub fn new(
        config: &ChainsConfig,
        starts: &StartingPoints,
        range: Interval,
        replicas: usize,
        shape: [usize; D],
        device: &Device,
        noise: &mut Noise,
    ) -> Self {
        let buffer = |capacity, fresh_fraction, storage, noise: &mut Noise| {
            let mut shape = shape;
            shape[0] = capacity;
            let buffered = ReplayBufferConfig {
                fresh_fraction,
                starting_points: starts.clone(),
                storage,
            };
            ReplayBuffer::new(shape, buffered, device, noise)
        };
        match config {
            ChainsConfig::ReplayBuffer(keys) => {
                let storage = match keys.storage {
                    ChainStorage::F32 => Storage::F32,
                    ChainStorage::U8 => Storage::U8(range),
                };
                let buffer = buffer(keys.capacity, keys.fresh_fraction, storage, noise);
                let care = Care {
                    augmentation: keys.augmentation,
                    eviction: keys.eviction(range),
                };
                Self::Buffer(buffer, care)
            }
            ChainsConfig::Persistent(_) if replicas > 1 => {
                let mut shape = shape;
                shape[0] *= replicas;
                Self::Replicas(starts.draw(shape, device, noise))
            }
            ChainsConfig::Persistent(_) => {
                let buffer = buffer(shape[0], 0.0, Storage::F32, noise);
                Self::Buffer(buffer, Care::default())
            }
            ChainsConfig::Data(_) => Self::Data,
            ChainsConfig::Noise(_) => Self::Noise(starts.clone()),
        }
    }

    /// Draws as many samples as there are states in `states`, those of the positive phase. The
    /// chains stay where they were until [`keep`](Self::keep). Once `interrupt` was raised these
    /// are no samples, and not to be used.
    pub fn sample<M: Energy<D>>(
        &self,
        model: &M,
        kernel: &dyn TransitionKernel<M, D>,
        states: &Tensor<D>,
        transitions: usize,
        noise: &mut Noise,
        interrupt: &mut Interrupt<'_>,
    ) -> Negatives<D> {
        let shape = states.dims();
        let (start, indices) = match self {
            Self::Replicas(chains) => (chains.clone(), None),
            Self::Buffer(buffer, care) => {
                let draw = buffer.draw(shape[0], noise);
                let start = augmented(care.augmentation, draw.positions, noise);
                (start, Some(draw.indices))
            }
            Self::Data => (states.clone(), None),
            Self::Noise(points) => (points.draw(shape, &states.device(), noise), None),
        };
        let chains = kernel.run(model, start.clone(), transitions, noise, interrupt);
        let accepted = chains.acceptance().or_else(|| chains.swap_rates());
        let acceptance = accepted.map(Tensor::mean);
        let resets = chains.resets().map(Tensor::sum);
        let replicas = chains.position;
        let samples = replicas.clone().narrow(0, 0, shape[0]);
        let start = start.narrow(0, 0, shape[0]);
        let evicted = self.evict(model, start.clone(), samples.clone(), noise);
        Negatives {
            displacement: (samples.clone() - start).square().mean().sqrt(),
            acceptance,
            resets,
            samples,
            replicas,
            indices,
            evicted,
        }
    }

    /// Puts fresh starts in the place of outliers and of frozen chains; `None` where none is looked
    /// for. The noise moves on by the same amount whatever is found.
    fn evict<M: Energy<D>>(
        &self,
        model: &M,
        start: Tensor<D>,
        end: Tensor<D>,
        noise: &mut Noise,
    ) -> Option<Evicted<D>> {
        let Self::Buffer(buffer, care) = self else {
            return None;
        };
        let eviction = care.eviction?;
        let found = eviction.find(model, start, end.clone());
        Some(Evicted {
            chains: buffer.restart(end, found.clone(), noise),
            share: found.float().mean(),
        })
    }

    /// Stores the moved chains. Not called for an update that failed, so that a chain that has gone
    /// to infinity doesn't come back.
    pub fn keep(&mut self, negatives: Negatives<D>) {
        match (self, negatives.indices) {
            (Self::Buffer(buffer, _), Some(indices)) => {
                let kept = negatives.evicted.map(|evicted| evicted.chains);
                buffer.write_back(indices, kept.unwrap_or(negatives.samples));
            }
            (Self::Replicas(chains), _) => *chains = negatives.replicas,
            _ => {}
        }
    }

    /// The stored chains, for a checkpoint; `None` if no chain outlives an update.
    pub fn chains(&self) -> Option<TensorData> {
        match self {
            Self::Buffer(buffer, _) => Some(buffer.to_data()),
            Self::Replicas(chains) => Some(chains.to_data()),
            Self::Data | Self::Noise(_) => None,
        }
    }

    /// Restores what [`chains`](Self::chains) gave.
    ///
    /// # Errors
    ///
    /// If chains are missing, left over or of another shape.
    pub fn restore(&mut self, chains: Option<TensorData>) -> Result<(), StateMismatch> {
        match (self, chains) {
            (Self::Buffer(buffer, _), Some(chains)) => buffer
                .restore(chains)
                .map_err(|mismatch| format!("{mismatch} (config section `chains`)").into()),
            (Self::Replicas(kept), Some(chains)) => {
                let expected = kept.shape();
                if *chains.shape() != expected {
                    return Err(format!(
                        "the stored chains have shape {:?}, but config sections `chains` and `sampler` keep {:?}",
                        chains.shape().as_slice(),
                        expected.as_slice()
                    ).into());
                }
                let chains = floats(chains).map_err(|found| {
                    format!("the stored chains are {found:?}, expected floating-point numbers")
                })?;
                *kept = Tensor::from_data(chains, &kept.device());
                Ok(())
            }
            (Self::Buffer(..) | Self::Replicas(_), None) => {
                Err("it holds no chains, but config section `chains` keeps them".into())
            }
            (Self::Data | Self::Noise(_), None) => Ok(()),
            (Self::Data | Self::Noise(_), Some(_)) => {
                Err("it holds chains, but config section `chains` doesn't keep them".into())
            }
        }
    }
}
