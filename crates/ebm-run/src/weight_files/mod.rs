//! Files of weights that another program may have written, as named arrays.

mod pytorch;
mod weights_file;

use ebm_models::ImageShape;

pub(crate) use weights_file::MODEL;
pub use weights_file::{Renaming, WeightsFile};

/// Arrays that aren't those of a model, or don't say enough of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WrongArrays(pub String);

impl From<String> for WrongArrays {
    fn from(message: String) -> Self {
        Self(message)
    }
}

/// One grey image, square if that can be.
pub(crate) fn square(values: usize) -> ImageShape {
    let side = values.isqrt();
    if side * side == values {
        ImageShape::new(1, side, side)
    } else {
        ImageShape::new(1, 1, values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn square_numbers_are_square_images() {
        assert_eq!(square(784), ImageShape::new(1, 28, 28));
        assert_eq!(square(785), ImageShape::new(1, 1, 785));
        assert_eq!(square(1), ImageShape::new(1, 1, 1));
    }
}
