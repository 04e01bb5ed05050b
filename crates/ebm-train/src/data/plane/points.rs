//! Points of the plane.

/// Points of the plane, by their coordinates.
#[derive(Debug, Clone, PartialEq)]
pub struct Points {
    values: Vec<f32>,
}

impl Points {
    /// Points of these coordinates, `[count, 2]` row-major.
    ///
    /// # Panics
    ///
    /// If they are an odd number.
    pub fn new(values: Vec<f32>) -> Self {
        assert!(
            values.len().is_multiple_of(2),
            "points of the plane have two coordinates, found {} values",
            values.len()
        );
        Self { values }
    }

    /// How many points.
    pub fn len(&self) -> usize {
        self.values.len() / 2
    }

    /// Whether there isn't one point.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The coordinates, `[count, 2]` row-major.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The coordinates, `[count, 2]` row-major, without a copy.
    pub fn into_values(self) -> Vec<f32> {
        self.values
    }
}
