//! Every second layer of a machine: the even ones or the odd ones.

/// Every second layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parity {
    /// The visible layer, the second hidden layer, ...
    Even,
    /// The first hidden layer, the third, ...
    Odd,
}

impl Parity {
    /// Whether layer `l` is one of them.
    pub fn contains(self, l: usize) -> bool {
        (l % 2 == 1) == (self == Self::Odd)
    }

    /// The other layers.
    pub fn other(self) -> Self {
        match self {
            Self::Even => Self::Odd,
            Self::Odd => Self::Even,
        }
    }
}
