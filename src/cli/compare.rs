//! `ebm compare`: how much a model prefers one image to another.

use std::path::PathBuf;

use ebm::training::inference::{Comparison, Preferred, compare};
use ebm::training::run;
use serde::Serialize;

use super::failure::Failure;
use super::image_inputs::read;
use super::layers::DeviceArgs;
use super::numbers::significant;
use super::run_args::RunBeforeFilesArgs;
use super::terminal::{say, say_json};

/// Compare two images: which one the model prefers, and by how much.
///
/// The log-ratio log p(A) - log p(B) = f(A) - f(B) needs no partition function. The first line is the answer; where the difference
/// is within the rounding of the numbers, there is none.
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
    /// The temperature of the run's sampler.
    temperature: f64,
}

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    let (run, files) = args.run.split(args.files)?;
    let [first, second] = &files[..] else {
        return Err(Failure::Argument {
            argument: "IMAGE",
            message: format!("found {}, expected two images", files.len()),
        });
    };
    let choice = args.device.open(None)?;
    let model = run::load_model(&run, &choice.device)?;
    let images = |file: &PathBuf| {
        let files = std::slice::from_ref(file);
        read(&model, files, args.resize, &choice.device)
    };
    let found = compare(&model, images(first)?, images(second)?)?;
    let temperature = model.config.sampler.temperature();
    for comparison in found {
        if args.json {
            say_json(&Report {
                comparison,
                temperature,
            });
        } else {
            say(format_args!(
                "{}",
                answer(&comparison, [first, second], temperature)
            ));
            print_details(&comparison, [first, second], temperature);
        }
    }
    Ok(())
}

/// Which image the model prefers, in a sentence.
fn answer(comparison: &Comparison, [first, second]: [&PathBuf; 2], temperature: f64) -> String {
    let nats = comparison.log_ratio.abs();
    let (winner, loser) = match comparison.preferred {
        Preferred::First => (format!("A, {},", first.display()), "B"),
        Preferred::Second => (format!("B, {},", second.display()), "A"),
        Preferred::Neither => {
            return format!(
                "the model prefers neither image: their log-likelihoods differ by {} nats, which is within rounding",
                significant(nats, 3)
            );
        }
    };
    let at_temperature = if is_other_than_1(temperature) {
        let odds = odds(nats / temperature);
        format!(", or {odds} times at the temperature of its sampler")
    } else {
        String::new()
    };
    let by = format!("by {} nats", significant(nats, 3));
    if comparison.bound {
        format!(
            "the model seems to prefer {winner} to {loser}, {by}: of lower bounds, which may be off by more for one image than for the other"
        )
    } else {
        format!(
            "the model prefers {winner} to {loser}, {by}: it finds it {} times as likely{at_temperature}",
            odds(nats)
        )
    }
}

/// The numbers behind the answer.
fn print_details(comparison: &Comparison, files: [&PathBuf; 2], temperature: f64) {
    let kind = if comparison.bound {
        " (lower bound)"
    } else {
        ""
    };
    let names = ["A", "B"];
    let values = [comparison.f_first, comparison.f_second];
    for ((name, file), f) in names.iter().zip(files).zip(values) {
        say(format_args!(
            "f({name}) = {f:14.6} nats{kind}  {}",
            file.display()
        ));
    }
    let ratio = comparison.log_ratio;
    say(format_args!("log p(A) - log p(B) = {ratio:.6} nats{kind}"));
    say(format_args!("odds p(A) / p(B) = {}", odds(ratio)));
    if is_other_than_1(temperature) {
        say(format_args!(
            "at the temperature {temperature:.3e} of the run's sampler: {:.3} nats, odds {}",
            ratio / temperature,
            odds(ratio / temperature)
        ));
    }
}

/// Whether chains move on another distribution than exp(f): at temperature 0 on none.
fn is_other_than_1(temperature: f64) -> bool {
    temperature > 0.0 && (temperature - 1.0).abs() > 1e-6
}

/// `exp` of a log-ratio, also where no floating-point number holds it.
fn odds(log_ratio: f64) -> String {
    if log_ratio.abs() < 10.0 {
        format!("{:.4}", log_ratio.exp())
    } else {
        format!("10^{:.1}", log_ratio / std::f64::consts::LN_10)
    }
}
