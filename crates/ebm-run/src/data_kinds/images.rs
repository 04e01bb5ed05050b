//! What all images have in common, wherever they come from: they are counted, made black and white,
//! and uploaded.

use ebm_train::Examples;
use ebm_train::data::Images;

use super::{DataKind, ExamplesRequest};

/// Images as examples on the device, as the keys of their kind say.
pub(super) fn upload(
    keys: &dyn DataKind,
    images: Images,
    request: &ExamplesRequest<'_>,
) -> Examples<4> {
    tracing::info!(
        place = %keys.place(request.kind).display(),
        split = ?request.split,
        count = images.len(),
        shape = ?images.shape(),
        "data loaded"
    );
    let images = match request.limit {
        Some(limit) => images.take(limit),
        None => images,
    };
    let images = match keys.binarize() {
        Some(how) => images.binarized(how),
        None => images,
    };
    Examples::from_owned_images(images, keys.range(), request.device)
}
