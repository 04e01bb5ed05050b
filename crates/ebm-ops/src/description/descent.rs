//! A step of gradient descent in f32.

/// A [`GradientDescent`](crate::GradientDescent) in f32.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Descent {
    pub(crate) learning_rate: f32,
    pub(crate) weight_decay: f32,
    pub(crate) momentum: f32,
}
