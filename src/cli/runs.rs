//! `ebm runs`: several runs side by side.

use std::path::{Path, PathBuf};

use ebm::run::comparison::{Comparison, MOST_CURVES, quality_plot};
use ebm::run::save_picture;

use super::failure::Failure;
use super::output::{check_place, confirm_file};
use super::run_table::{check_csv, is_standard_output, print, warn_incomparable, write, write_csv};
use super::terminal::{leave_output_to_data, remark, say_json};

/// Show several runs side by side: where their configurations differ, and how good each became.
///
/// The best run is first: each stands with the score of its best model, what a perfect one would
/// have (the floor), and a verdict in a word. Runs that are training now are `running`; `-` stands
/// for what wasn't measured.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Run folders, or folders that hold some, directly or one folder further down
    #[arg(value_name = "DIR", required = true)]
    folders: Vec<PathBuf>,
    /// Draw the quality of all over their updates (of energies the gap, where none was measured):
    /// a name that ends in .png or .svg
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// Write the table with all keys that differ as CSV; `-` prints it in place of the table
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Print JSON
    #[arg(long, conflicts_with = "csv")]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  ebm runs runs                                    all runs there
  ebm runs runs/digits-1 runs/rbm --plot runs.svg  two, with their curves
  ebm runs runs --csv runs.csv                     for a spreadsheet or pandas";

/// What a plot is written as.
#[derive(Clone, Copy)]
enum PlotFormat {
    Png,
    Svg,
}

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    let plot = match args.plot.as_deref() {
        Some(path) => Some((path, plot_format(path)?)),
        None => None,
    };
    check_csv(args.csv.as_deref())?;
    let comparison = Comparison::read(&args.folders)?;
    let prints_csv = args.csv.as_deref().is_some_and(is_standard_output);
    if args.json || prints_csv {
        leave_output_to_data();
    }
    if args.json {
        say_json(&comparison.to_json());
    } else if !prints_csv {
        print(&comparison);
    }
    warn_incomparable(&comparison);
    if let Some(path) = &args.csv {
        write_csv(&comparison, path)?;
    }
    if let Some((path, format)) = plot {
        draw(&comparison, path, format)?;
    }
    Ok(())
}

fn plot_format(path: &Path) -> Result<PlotFormat, Failure> {
    check_place("--plot", path)?;
    let extension = path.extension().map(|end| end.to_ascii_lowercase());
    match extension.as_ref().and_then(|end| end.to_str()) {
        Some("png") => Ok(PlotFormat::Png),
        Some("svg") => Ok(PlotFormat::Svg),
        _ => Err(Failure::Argument {
            argument: "--plot",
            message: format!(
                "found {}, expected a name that ends in .png or .svg",
                path.display()
            ),
        }),
    }
}

fn draw(comparison: &Comparison, path: &Path, format: PlotFormat) -> Result<(), Failure> {
    let nothing = || Failure::Argument {
        argument: "--plot",
        message: "no run has measured its quality or logged a gap of energies yet".into(),
    };
    let left_out = match format {
        PlotFormat::Png => {
            let drawn = quality_plot(comparison, |plot| plot.draw());
            let (picture, left_out) = drawn.ok_or_else(nothing)?;
            save_picture(&picture, path)?;
            confirm_file(path, format_args!("wrote {}", path.display()));
            left_out
        }
        PlotFormat::Svg => {
            let drawn = quality_plot(comparison, |plot| plot.draw_svg());
            let (text, left_out) = drawn.ok_or_else(nothing)?;
            write(path, text.as_bytes())?;
            left_out
        }
    };
    if left_out.beyond > 0 {
        remark(format_args!(
            "the plot shows the best {MOST_CURVES} of {} runs",
            MOST_CURVES + left_out.beyond
        ));
    }
    if !left_out.other_kinds.is_empty() {
        remark(format_args!(
            "the plot leaves out runs with scores of another kind: {}",
            left_out.other_kinds.join(", ")
        ));
    }
    Ok(())
}
