//! Images as a trained model takes them: in its range, and black and white where its pixels are
//! two-valued.

use burn::tensor::Device;
use ebm_models::{Energy, Structure, VisibleUnits};

use super::model_file::ModelFile;
use ebm_train::Examples;
use ebm_train::data::{Binarize, Images};

impl ModelFile {
    /// Whether the model is one of images, and not of points of the plane.
    pub fn takes_images(&self) -> bool {
        self.config.data.is_image()
    }

    /// Whether pixels have two values, the ends of the range.
    pub fn takes_binary(&self) -> bool {
        match self.model.structure() {
            Structure::Smooth => false,
            Structure::Layered(machine) => {
                machine.layers().visible_units() == VisibleUnits::Bernoulli
            }
            Structure::Pairwise(_) => true,
        }
    }

    /// Images as examples of the model: made black and white as those of training were, else by a
    /// threshold where the model takes nothing else.
    pub fn examples_of(&self, images: Images, device: &Device) -> Examples<4> {
        let threshold = self.takes_binary().then_some(Binarize::Threshold);
        let images = match self.config.data.binarize().or(threshold) {
            Some(how) => images.binarized(how),
            None => images,
        };
        Examples::from_owned_images(images, self.config.data.range(), device)
    }

    /// The same for images whose grey is no probability: made black and white by a threshold alone.
    pub(crate) fn examples_by_threshold(&self, images: Images, device: &Device) -> Examples<4> {
        let images = if self.takes_binary() || self.config.data.binarize().is_some() {
            images.binarized(Binarize::Threshold)
        } else {
            images
        };
        Examples::from_owned_images(images, self.config.data.range(), device)
    }
}
