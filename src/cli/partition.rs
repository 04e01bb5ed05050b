//! How log Z is found and printed, for the commands that need it.

use std::path::Path;

use ebm::models::Precision;
use ebm::ops::Interval;
use ebm::sampling::partition::TemperingSchedule;
use ebm::training::files::input_file::read_text;
use ebm::training::judging::{Agreement, Bound, LogPartition, PartitionMethod, PartitionOptions};

use super::failure::Failure;
use super::terminal::say;

/// The longest file of temperatures: millions of them, with all their digits.
const MAX_SCHEDULE: u64 = 64 << 20;

/// How log Z is found.
#[derive(clap::Args)]
pub(crate) struct PartitionArgs {
    /// How: exact (all states of the smaller half, up to 2^25), ais (annealed importance sampling),
    /// or auto
    #[arg(long, value_name = "NAME", default_value = "auto", value_parser = parse_method)]
    method: PartitionMethod,
    /// Chains of annealing, in each direction
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(2..=100_000))]
    chains: u32,
    /// Temperatures: their number, evenly spaced, a file of inverse temperatures from 0 to 1, or
    /// salakhutdinov2008
    #[arg(long, value_name = "N|FILE|NAME", default_value = "salakhutdinov2008")]
    temperatures: String,
    /// Sweeps from data to samples of the machine, for the way back; without data, of parallel
    /// tempering
    #[arg(long, value_name = "N", default_value_t = 1000)]
    sweeps: usize,
    /// Seed of the chains
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Type of the matrix products of energies: f32, bf16 or f16, where the device computes in it
    #[arg(long, value_name = "TYPE", default_value = "f32", value_parser = parse_precision)]
    precision: Precision,
}

impl PartitionArgs {
    /// Checks the arguments and reads the file of temperatures.
    pub(crate) fn options(&self) -> Result<PartitionOptions, Failure> {
        Ok(PartitionOptions {
            method: self.method,
            schedule: schedule(&self.temperatures)?,
            chains: self.chains as usize,
            reverse_sweeps: self.sweeps,
            seed: self.seed,
        })
    }

    /// The type of the matrix products.
    pub(crate) fn precision(&self) -> Precision {
        self.precision
    }
}

fn parse_method(text: &str) -> Result<PartitionMethod, String> {
    match text {
        "auto" => Ok(PartitionMethod::Auto),
        "exact" => Ok(PartitionMethod::Exact),
        "ais" => Ok(PartitionMethod::Annealed),
        _ => Err("expected exact, ais or auto".into()),
    }
}

fn parse_precision(text: &str) -> Result<Precision, String> {
    Precision::ALL
        .into_iter()
        .find(|precision| precision.name() == text)
        .ok_or_else(|| "expected f32, bf16 or f16".into())
}

/// A count, a name or a file.
fn schedule(text: &str) -> Result<TemperingSchedule, Failure> {
    let wrong = |message: String| Failure::Argument {
        argument: "--temperatures",
        message,
    };
    if text == "salakhutdinov2008" {
        return Ok(TemperingSchedule::salakhutdinov2008());
    }
    if let Ok(count) = text.parse::<usize>() {
        return match count {
            2..=10_000_000 => Ok(TemperingSchedule::linear(count - 1)),
            _ => Err(wrong(format!("found {count}, expected 2 to 10000000"))),
        };
    }
    let path = Path::new(text);
    let content = read_text(path, MAX_SCHEDULE).map_err(|error| {
        wrong(format!(
            "`{text}` is no number, not salakhutdinov2008, and no file that can be read ({error})"
        ))
    })?;
    TemperingSchedule::parse(&content)
        .map_err(|error| wrong(format!("{}: {error}", path.display())))
}

/// The table of both directions, or the one number.
pub(crate) fn print(found: &LogPartition) {
    match found {
        LogPartition::Exact { log_partition } => {
            say(format_args!(
                "log Z = {log_partition:.6} nats (exact: the sum over all states)"
            ));
        }
        LogPartition::Given { log_partition } => {
            say(format_args!("log Z = {log_partition:.6} nats (as given)"));
        }
        LogPartition::Annealed {
            forward,
            reverse,
            temperatures,
            chains,
        } => {
            say(format_args!(
                "log Z by annealed importance sampling, {chains} chains, {temperatures} temperatures, in nats"
            ));
            say(format_args!(
                "{:24}{:>12}  {:^24}{:>12}  {:>8}",
                "", "log Z", "95 % interval", "mean bound", "ESS"
            ));
            let row = |name: &str, bound: &Bound| {
                let Interval { low, high } = bound.interval;
                say(format_args!(
                    "{name:24}{:>12.3}  {:^24}{:>12.3}  {:>8.1}",
                    bound.log_partition,
                    format!("[{low:.3}, {high:.3}]"),
                    bound.mean_bound,
                    bound.effective_sample_size
                ));
            };
            row("forward (lower bound)", forward);
            let Some(samples) = found.samples() else {
                row("reverse (upper bound)", reverse);
                let gap = reverse.log_partition - forward.log_partition;
                let sample_size = forward
                    .effective_sample_size
                    .min(reverse.effective_sample_size);
                let effective = sample_size / *chains as f64;
                return say(format_args!("{}", verdict(found, gap, effective)));
            };
            row("reverse (from samples)", reverse);
            let error = format!("± {:.3}", 1.96 * samples.standard_error);
            say(format_args!(
                "{:24}{:>12.3}  {error:^24}  {} temperatures, {} round trips",
                "parallel tempering",
                samples.log_partition,
                samples.temperatures,
                samples.round_trips
            ));
            say(format_args!("{}", unverified(found)));
        }
    }
}

/// As JSON; without data with the verdict that there is none.
pub(crate) fn json(found: &LogPartition) -> String {
    #[derive(serde::Serialize)]
    struct Report<'a> {
        #[serde(flatten)]
        found: &'a LogPartition,
        #[serde(skip_serializing_if = "Option::is_none")]
        verdict: Option<&'static str>,
    }
    let verdict = found.samples().map(|_| match found.agreement() {
        Agreement::Close => "unverified",
        Agreement::Vague => "vague",
        Agreement::Apart => "apart",
    });
    serde_json::to_string_pretty(&Report { found, verdict }).unwrap_or_default()
}

/// How far the numbers of a machine without data are apart, which is all that can be said: what all
/// of them missed nobody sees.
fn unverified(found: &LogPartition) -> String {
    let spread = found.spread();
    match found.agreement() {
        Agreement::Close => format!(
            "without data nothing vouches for the samples: the three numbers lie within {spread:.3}, but modes that no chain has found would be missing from all; log Z is hardly below the lower bound, and may be above it"
        ),
        Agreement::Vague => vague(found),
        Agreement::Apart => format!(
            "the three numbers are up to {spread:.3} apart: some chains missed modes, or temperatures are too few; log Z is hardly below the lower bound; use more sweeps, more temperatures, data (--data DIR) or, where there are few units, --method exact"
        ),
    }
}

/// What the gap between the bounds means; `effective` is the smaller share of chains that carry the
/// weight.
fn verdict(found: &LogPartition, gap: f64, effective: f64) -> String {
    match found.agreement() {
        Agreement::Close => {
            let weak = if effective < 0.1 {
                "; few chains carry the weight, so that more temperatures would make them surer"
            } else {
                ""
            };
            format!("the bounds agree within their intervals (gap {gap:+.3}){weak}")
        }
        Agreement::Vague => vague(found),
        Agreement::Apart => format!(
            "the bounds are {gap:+.3} apart: annealing hasn't found log Z; use more temperatures, more chains or more sweeps"
        ),
    }
}

/// Of intervals so wide that nothing contradicts them.
fn vague(found: &LogPartition) -> String {
    let width = found.interval().width();
    format!(
        "the intervals take in {width:.3} together, too much to say whether they agree: log Z isn't found; use more temperatures, more chains or more sweeps"
    )
}
