//! How far long work is, for whoever wants to show it.

/// Is told how far work is.
///
/// `&mut ()` is told and says nothing. A closure of the two numbers is enough for work of one part:
///
/// ```
/// use ebm_ops::Progress;
///
/// fn count_to(total: usize, progress: &mut dyn Progress) {
///     for done in 1..=total {
///         progress.advance(done, total);
///     }
/// }
///
/// count_to(3, &mut ());
/// let mut share = 0.0;
/// count_to(3, &mut |done, total| share = done as f64 / total as f64);
/// assert_eq!(share, 1.0);
/// ```
pub trait Progress {
    /// A part of the work begins, and is called this. Work of one part alone begins none.
    fn begin(&mut self, _part: &'static str) {}

    /// So many steps of the current part are done, and so many it has in all.
    fn advance(&mut self, done: usize, total: usize);
}

impl Progress for () {
    fn advance(&mut self, _done: usize, _total: usize) {}
}

impl<F: FnMut(usize, usize)> Progress for F {
    fn advance(&mut self, done: usize, total: usize) {
        self(done, total);
    }
}
