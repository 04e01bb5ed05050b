//! `ebm compare`: how much a model prefers one image to another.

use std::path::PathBuf;

use ebm::training::config::EnergyUnit;
use ebm::training::inference::{Comparison, compare};
use ebm::training::run;
use serde::Serialize;

use super::failure::Failure;
use super::image_inputs::read;
use super::layers::DeviceArgs;
use super::terminal::say;

/// Compare two images: the log-ratio log p(A) - log p(B) = f(A) - f(B), for which no partition function is needed.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The first image, PNG or JPEG
    #[arg(value_name = "A.png")]
    first: PathBuf,
    /// The second image
    #[arg(value_name = "B.png")]
    second: PathBuf,
    /// Run folder, made by `ebm train` or `ebm import`
    #[arg(long, value_name = "DIR")]
    run: PathBuf,
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
  ebm compare upright.png turned.png --run runs/digits-1
  ebm compare photo.jpg noise.png --run runs/fashion --resize --json";

/// What is printed as JSON.
#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    comparison: Comparison,
    /// The temperature of the run's sampler.
    temperature: f64,
}

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    let choice = args.device.open(None)?;
    let model = run::load_model(&args.run, &choice.device)?;
    let images = |file: &PathBuf| {
        let files = std::slice::from_ref(file);
        read(&model, files, args.resize, &choice.device)
    };
    let found = compare(&model, images(&args.first)?, images(&args.second)?)?;
    let temperature = model.config.sampler.temperature();
    let unit = model.config.energy_unit();
    for comparison in found {
        if args.json {
            let report = Report {
                comparison,
                temperature,
            };
            let json = serde_json::to_string_pretty(&report).unwrap_or_default();
            say(format_args!("{json}"));
            continue;
        }
        let kind = if comparison.bound {
            " (lower bound)"
        } else {
            ""
        };
        for (file, f) in [
            (&args.first, comparison.f_first),
            (&args.second, comparison.f_second),
        ] {
            let unit = unit.name();
            say(format_args!(
                "f = {f:14.6} {unit}{kind}  {}",
                file.display()
            ));
        }
        let ratio = comparison.log_ratio;
        match unit {
            EnergyUnit::Nats => {
                say(format_args!("log p(A) - log p(B) = {ratio:.6} nats{kind}"));
                say(format_args!("odds p(A) / p(B) = {}", odds(ratio)));
            }
            EnergyUnit::Model { temperature } => {
                say(format_args!("f(A) - f(B) = {ratio:.6} {unit}{kind}"));
                if temperature > 0.0 {
                    say(format_args!(
                        "log p(A) - log p(B) = {:.3} nats{kind}, odds {}, at the temperature {temperature:.3e} of the run's sampler",
                        ratio / temperature,
                        odds(ratio / temperature)
                    ));
                }
            }
        }
    }
    Ok(())
}

/// `exp` of a log-ratio, also where no floating-point number holds it.
fn odds(log_ratio: f64) -> String {
    if log_ratio.abs() < 10.0 {
        format!("{:.4}", log_ratio.exp())
    } else {
        format!("10^{:.1}", log_ratio / std::f64::consts::LN_10)
    }
}
