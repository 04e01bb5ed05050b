//! Whoever may call long chains off, asked between two transitions.

use std::fmt;

/// A question that is asked between transitions: whether to stop now. Once the answer was yes, it
/// stays yes, so that everything that shares an interrupt stops together.
#[derive(Default)]
pub struct Interrupt<'a> {
    ask: Option<&'a mut dyn FnMut() -> bool>,
    raised: bool,
}

impl<'a> Interrupt<'a> {
    /// Nobody asks for a stop.
    pub fn never() -> Self {
        Self::default()
    }

    /// A stop as soon as `ask` says so. It is asked after every transition, and should take far
    /// less time than one.
    pub fn when(ask: &'a mut dyn FnMut() -> bool) -> Self {
        Self {
            ask: Some(ask),
            raised: false,
        }
    }

    /// Asks whether to stop.
    pub fn is_raised(&mut self) -> bool {
        if !self.raised
            && let Some(ask) = &mut self.ask
        {
            self.raised = ask();
        }
        self.raised
    }

    /// Whether an earlier question was answered with yes; asks nobody.
    pub fn was_raised(&self) -> bool {
        self.raised
    }
}

impl fmt::Debug for Interrupt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interrupt")
            .field("raised", &self.raised)
            .finish_non_exhaustive()
    }
}
