//! The sections of a report, in their order; each is a function of the run, and a file.

mod chains;
mod configuration;
mod energies;
mod evaluation;
mod events;
mod filters;
mod long_chains;
mod machine;
mod neighbors;
mod optimization;
mod other;
mod plane;
mod quality;
mod recall;
mod samples;
mod summary;
mod throughput;
mod verdict;

use super::run_data::RunData;

/// A section of the page.
pub(super) struct Section {
    /// What links call it.
    pub(super) id: &'static str,
    /// Its heading.
    pub(super) title: &'static str,
    /// What to look for, as plain text.
    pub(super) look_for: &'static str,
    /// The rest, as HTML.
    pub(super) body: String,
}

/// Makes a section; `None` where it doesn't apply.
type Make = fn(&RunData<'_>) -> Option<Section>;

/// All sections with what they are called while they are made.
pub(super) const SECTIONS: [(&str, Make); 18] = [
    ("verdict", verdict::section),
    ("quality", quality::section),
    ("evaluation", evaluation::section),
    ("long chains", long_chains::section),
    ("summary", summary::section),
    ("energies", energies::section),
    ("optimization", optimization::section),
    ("chains", chains::section),
    ("other metrics", other::section),
    ("samples", samples::section),
    ("nearest training examples", neighbors::section),
    ("density and forces", plane::section),
    ("filters", filters::section),
    ("recall", recall::section),
    ("throughput", throughput::section),
    ("events", events::section),
    ("configuration", configuration::section),
    ("machine", machine::section),
];

/// What stands in the place of curves of which there is no line yet.
const NO_METRICS: &str =
    "metrics.jsonl has no line yet: the first is written after output.log_every updates.";
