//! `ebm recall`: damaged pictures recalled by a Hopfield network.

use std::path::{Path, PathBuf};

use ebm::ops::Noise;
use ebm::run::drawing::draw_recalled_images;
use ebm::run::{RunError, save_picture};
use ebm::training::data::Split;
use ebm::training::judging::{check_finite, flip};
use ebm::training::using::{RecallEnd, RecalledImages, recall_images, recall_originals};

use super::eval::parse_share;
use super::failure::Failure;
use super::image_inputs::{check_output, first, read};
use super::layers::DeviceArgs;
use super::output::confirm_file;
use super::run_args::{OpenRun, RunBeforeFilesArgs};
use super::terminal::say;

/// Recall stored pictures from damaged ones, by a Hopfield network or a Boltzmann machine without
/// hidden units.
///
/// The machine falls from each image into a valley of its energy, one unit after the other at
/// temperature 0. Named images are damaged already, or are with --flip; without any, the stored
/// examples are. The picture shows three images each: of stored examples the original, as damaged,
/// and as recalled; of named images as given, as recalled, and the stored example nearest to that.
/// Overlaps are 1 where all pixels agree, 0 for chance, -1 for the opposite.
#[derive(clap::Args)]
#[command(
    override_usage = "ebm recall [OPTIONS] <DIR|--run <DIR>> [IMAGE]...",
    after_help = EXAMPLES
)]
pub(crate) struct Args {
    #[command(flatten)]
    run: RunBeforeFilesArgs,
    /// PNG or JPEG files of the size that the model takes [default: the stored examples]
    #[arg(value_name = "IMAGE")]
    files: Vec<PathBuf>,
    /// Number of stored examples, where no files are named
    #[arg(short = 'n', long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=4096))]
    count: u32,
    /// Share of the pixels that are flipped before recall [default: 0.2 of stored examples, 0 of
    /// named images]
    #[arg(long, value_name = "SHARE", value_parser = parse_share)]
    flip: Option<f64>,
    /// Folder of the stored examples [default: the data of the run]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Cut and scale images of another size
    #[arg(long)]
    resize: bool,
    /// Seed of the flips and of the order in which units are visited
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// The picture, PNG or JPEG by its name
    #[arg(long, value_name = "FILE", default_value = "recall.png")]
    out: PathBuf,
    #[command(flatten)]
    device: DeviceArgs,
}

const EXAMPLES: &str = "\
Examples:
  ebm train --preset hopfield-digits --out runs/memory
  ebm recall runs/memory --flip 0.3             stored digits with three of ten pixels flipped
  ebm recall runs/memory damaged.png            a picture of yours";

pub(crate) fn run(mut args: Args) -> Result<(), Failure> {
    let (run, files) = args.run.split(args.files)?;
    args.files = files;
    let inputs: Vec<&Path> = args.files.iter().map(PathBuf::as_path).collect();
    check_output(&args.out, &inputs)?;
    let open = OpenRun::open(&run, &args.device)?;
    if !open.model.model.recalls() {
        let refused = RunError::NotEvaluable {
            what: "recall",
            model: open.model.model.name(),
            models: "Hopfield networks and Boltzmann machines, without hidden units",
        };
        return Err(refused.into());
    }
    let OpenRun { model, device } = open.with_data(args.data.as_deref())?;
    let stored = model.examples(&model.config.data, Split::Train, &device)?;
    let are_stored = args.files.is_empty();
    let (intact, share) = if are_stored {
        (
            first(&stored, args.count as usize),
            args.flip.unwrap_or(0.2),
        )
    } else {
        let images = read(&model, &args.files, args.resize, &device)?;
        (images, args.flip.unwrap_or(0.0))
    };
    let mut noise = Noise::new(args.seed);
    let given = flip(intact, model.config.data.range(), share, &mut noise);
    let recalled = if are_stored {
        recall_originals(&model.model, given, &stored, &mut noise)
    } else {
        recall_images(&model.model, given, &stored, &mut noise)
    };
    let recalled = recalled?;
    for image in &recalled.images {
        let energies = [image.energy_before as f32, image.energy_after as f32];
        check_finite(&energies, "the energy of an image")?;
    }
    say(format_args!(
        "{:>5}  {:>7}  {:>17}  {:>23}",
        "image", "nearest", "overlap with it", "energy"
    ));
    for (index, image) in recalled.images.iter().enumerate() {
        say(format_args!(
            "{:>5}  {:>7}  {:>17}  {:>23}{}",
            index + 1,
            image.nearest + 1,
            format!("{:.3} -> {:.3}", image.overlap_before, image.overlap_after),
            format!("{:.3} -> {:.3}", image.energy_before, image.energy_after),
            if image.converged { "" } else { "  not at rest" }
        ));
    }
    say(format_args!("{}", ends(&recalled, are_stored)));
    let picture = draw_recalled_images(&recalled, are_stored);
    save_picture(&picture, &args.out)?;
    confirm_file(&args.out, format_args!("wrote {}", args.out.display()));
    Ok(())
}

/// How many images ended where.
fn ends(recalled: &RecalledImages<4>, are_stored: bool) -> String {
    let of = |end: RecallEnd| {
        let images = recalled.images.iter();
        images.filter(|image| image.end == end).count()
    };
    let count = recalled.images.len();
    if are_stored {
        format!(
            "{} of {count} came back; {} ended in another stored example, {} in none",
            of(RecallEnd::Original),
            of(RecallEnd::Stored),
            of(RecallEnd::Elsewhere)
        )
    } else {
        format!(
            "{} of {count} ended in a stored example",
            of(RecallEnd::Stored)
        )
    }
}
