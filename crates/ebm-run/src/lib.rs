//! A run as the command knows it: its configuration, its folder, its report, and what its trained
//! model can be used for.
//!
//! [`train`] makes a whole run from a [`RunConfig`](config::RunConfig) into a folder, [`resume`]
//! goes on with it; [`uses`] are those of a model of a run: to fill in pixels, to denoise, composed
//! with others. What learns, judges and uses energies is `ebm-train`.

pub mod config;
pub mod drawing;
pub mod evaluation_data;
pub mod kinds;
pub mod report;
pub mod uses;

mod axis;
mod data_kinds;
mod density_picture;
mod error;
mod interchange;
mod listing;
mod npz;
mod number;
mod patience;
mod picture;
mod plot;
mod run;
mod scale;
mod suggestion;
mod ticks;
mod titled_grid;
mod weight_files;

pub use axis::{Axis, AxisOptions, Beyond, Clipped, Extent, Mark, Side};
pub use density_picture::{DensityPanel, density_panels};
pub use error::RunError;
pub use interchange::{Import, NetworkOutput, export, import, stored_chains};
pub use kinds::AnyModel;
pub use npz::write_npz;
pub use picture::{PictureError, grouped_grid, image_grid, point_cloud, save_picture};
pub use plot::{Curve, LinePlot};
pub use run::{
    Annealing, ClaimedFolder, Collect, Event, EventHistory, EventKind, JsonLines, Machine,
    Machines, MetricsHistory, MetricsLine, ModelFile, Outcome, PlaneView, Processor, RecentMetrics,
    RecordedEvent, RunFolder, SampleOptions, Samples, Speed, Walk, Watch, draw, examples,
    load_model, resume, sample, sample_picture, train, walk,
};
pub use suggestion::{did_you_mean, nearest};
pub use titled_grid::{TitledColumns, titled_grid};
pub use weight_files::{Renaming, WeightsFile, WrongArrays};
