//! `ebm compare`: how much a model prefers one image to another.

use std::path::PathBuf;

use ebm::run::config::EnergyUnit;
use ebm::training::using::{Comparison, Preferred, compare};
use serde::Serialize;

use super::failure::Failure;
use super::image_inputs::read;
use super::layers::DeviceArgs;
use super::numbers::significant;
use super::run_args::{OpenRun, RunBeforeFilesArgs};
use super::terminal::{say, say_json};
use super::unit::Unit;

/// Compare two images: which one the model prefers, and by how much.
///
/// The log-ratio log p(A) - log p(B) = (f(A) - f(B)) / T needs no partition function; T is 1 for
/// machines, and for networks the temperature of the run's sampler. The first line is the answer;
/// where the difference is within the rounding of the numbers, there is none.
#[derive(clap::Args)]
#[command(
    override_usage = "ebm compare [OPTIONS] <DIR|--run <DIR>> <A.png> <B.png>",
    after_help = EXAMPLES
)]
pub(crate) struct Args {
    #[command(flatten)]
    run: RunBeforeFilesArgs,
    /// The two images, PNG or JPEG
    #[arg(value_name = "IMAGE")]
    files: Vec<PathBuf>,
    /// Cut and scale images of another size
    #[arg(long)]
    resize: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    device: DeviceArgs,
}

const EXAMPLES: &str = "\
Examples:
  ebm compare runs/digits-1 upright.png turned.png
  ebm compare runs/fashion photo.jpg noise.png --resize --json";

/// What is printed as JSON.
#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    comparison: Comparison,
    /// Of `f` and the ratio.
    #[serde(flatten)]
    unit: Unit,
}

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    let (run, files) = args.run.split(args.files)?;
    let [first, second] = &files[..] else {
        return Err(Failure::Argument {
            argument: "IMAGE",
            message: format!("found {}, expected two images", files.len()),
        });
    };
    let OpenRun { model, device } = OpenRun::open(&run, &args.device)?;
    let images = |file: &PathBuf| {
        let files = std::slice::from_ref(file);
        read(&model, files, args.resize, &device)
    };
    let found = compare(&model.model, images(first)?, images(second)?)?;
    let unit = model.config.energy_unit();
    for comparison in found {
        if args.json {
            say_json(&Report {
                comparison,
                unit: unit.into(),
            });
        } else {
            say(format_args!(
                "{}",
                answer(&comparison, [first, second], unit)
            ));
            print_details(&comparison, [first, second], unit);
        }
    }
    Ok(())
}

/// Which image the model prefers, in a sentence.
fn answer(comparison: &Comparison, [first, second]: [&PathBuf; 2], unit: EnergyUnit) -> String {
    let difference = comparison.log_ratio.abs();
    let by = format!("{} {}", significant(difference, 3), unit.name());
    let (winner, loser) = match comparison.preferred {
        Preferred::First => (format!("A, {},", first.display()), "B"),
        Preferred::Second => (format!("B, {},", second.display()), "A"),
        Preferred::Neither => {
            return format!(
                "the model prefers neither image: f differs by {by}, which is within rounding"
            );
        }
    };
    if comparison.bound {
        return format!(
            "the model seems to prefer {winner} to {loser}, by {by}: of lower bounds, which may be off by more for one image than for the other"
        );
    }
    let likelier = match unit {
        EnergyUnit::Nats => format!(": it finds it {} times as likely", odds(difference)),
        EnergyUnit::Model { temperature } if temperature > 0.0 => format!(
            ": at the temperature of its sampler, {temperature:.1e}, it finds it {} times as likely",
            odds(difference / temperature)
        ),
        // Without a temperature there is no distribution, only a valley that is deeper.
        EnergyUnit::Model { .. } => String::new(),
    };
    format!("the model prefers {winner} to {loser}, by {by}{likelier}")
}

/// The numbers behind the answer.
fn print_details(comparison: &Comparison, files: [&PathBuf; 2], unit: EnergyUnit) {
    let kind = if comparison.bound {
        " (lower bound)"
    } else {
        ""
    };
    let values = [comparison.f_first, comparison.f_second];
    for ((name, file), f) in ["A", "B"].iter().zip(files).zip(values) {
        say(format_args!(
            "f({name}) = {f:14.6} {}{kind}  {}",
            unit.name(),
            file.display()
        ));
    }
    let ratio = comparison.log_ratio;
    let temperature = match unit {
        EnergyUnit::Nats => 1.0,
        EnergyUnit::Model { temperature } => {
            say(format_args!("f(A) - f(B) = {ratio:.6} {unit}{kind}"));
            temperature
        }
    };
    if temperature > 0.0 {
        say(format_args!(
            "log p(A) - log p(B) = {:.6} nats{kind}, odds {}",
            ratio / temperature,
            odds(ratio / temperature)
        ));
    }
}

/// `exp` of a log-ratio, also where no floating-point number holds it.
fn odds(log_ratio: f64) -> String {
    if log_ratio.abs() < 10.0 {
        format!("{:.4}", log_ratio.exp())
    } else {
        format!("10^{:.1}", log_ratio / std::f64::consts::LN_10)
    }
}
