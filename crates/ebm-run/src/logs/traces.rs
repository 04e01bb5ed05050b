//! A picture of how the energies of data and samples went.

use image::RgbImage;

use super::thinned::{Point, Thinned};
use crate::config::EnergyUnit;
use crate::drawing::axis::Extent;
use crate::drawing::plot::LinePlot;

/// The energies of data and samples over the updates, thinned as they come: a picture doesn't read
/// the log again.
#[derive(Default)]
pub(crate) struct EnergyTraces(Thinned<Point<2>, 2>);

impl EnergyTraces {
    /// Adds mean energies after an update.
    pub(crate) fn add(&mut self, step: u64, data: f64, samples: f64) {
        let numbers = [data, samples];
        self.0.add(Point { step, numbers });
    }

    /// The picture, of energies in `unit`; `None` if there are none yet.
    pub(crate) fn picture(&self, unit: EnergyUnit) -> Option<RgbImage> {
        let curve = |number: usize| {
            let point = |row: &Point<2>| (row.step as f64, row.numbers[number]);
            vec![self.0.rows().map(point).collect()]
        };
        LinePlot {
            title: "Mean energies",
            x: "update",
            y: &format!("energy ({unit})"),
            extent: Extent::Settled,
            curves: vec![("data", curve(0)), ("samples", curve(1))],
        }
        .draw()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_drawn_once_there_are_energies() {
        let mut traces = EnergyTraces::default();
        assert!(traces.picture(EnergyUnit::Nats).is_none());
        traces.add(1, f64::NAN, f64::NAN);
        assert!(traces.picture(EnergyUnit::Nats).is_none());
        traces.add(2, 1.0, f64::NAN);
        assert!(traces.picture(EnergyUnit::Nats).is_some());
    }
}
