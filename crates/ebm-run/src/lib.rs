//! A run as the command knows it: its configuration, its folder, its report, and what its trained
//! model can be used for.
//!
//! [`train`] makes a whole run from a [`RunConfig`](config::RunConfig) into a folder, [`resume`]
//! goes on with it; [`uses`] are those of a model of a run: to fill in pixels, to denoise, composed
//! with others. What learns, judges and uses energies is `ebm-train`.

pub mod comparison;
pub mod config;
pub mod drawing;
pub mod evaluation_data;
pub mod kinds;
pub mod quality;
pub mod report;
pub mod series;
pub mod uses;

mod data_kinds;
mod error;
mod interchange;
mod logs;
mod npz;
mod patience;
mod run;
mod text;
mod weight_files;

pub use drawing::axis::{Axis, AxisOptions, Beyond, Clipped, Extent, Mark, Side};
pub use drawing::density_picture::{DensityPanel, density_panels};
pub use drawing::picture::{PictureError, grouped_grid, image_grid, point_cloud, save_picture};
pub use drawing::plot::{Curve, LinePlot};
pub use drawing::titled_grid::{TitledColumns, titled_grid};
pub use error::{RunError, SweepError};
pub use interchange::{Import, NetworkOutput, export, import, stored_chains};
pub use kinds::AnyModel;
pub use logs::{
    Collect, Event, EventHistory, EventKind, JsonLines, MetricsHistory, MetricsLine, Outcome,
    RecentMetrics, RecordedEvent, Speed, Watch,
};
pub use npz::write_npz;
pub use run::{
    Annealing, ChainsRequest, ClaimedFolder, Machine, Machines, ModelFile, PlaneView, Processor,
    RunFolder, SampleOptions, Samples, Walk, draw, examples, load_model, measure_chains, resume,
    sample, sample_picture, seconds_per_update, train, train_chosen, walk,
};
pub use text::suggestion::{did_you_mean, nearest};
pub use weight_files::{Renaming, WeightsFile, WrongArrays};
