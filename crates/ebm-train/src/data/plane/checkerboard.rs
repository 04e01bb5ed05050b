//! The checkerboard: every second square of a board around the origin.

use super::normal::mass_between;

/// Squares along each side of the board, every second one occupied.
const SQUARES: usize = 4;
/// How many are occupied.
const OCCUPIED: usize = SQUARES * SQUARES / 2;
/// Half of the side of the board.
const HALF: f64 = 1.2;

/// The lower left corners of the occupied squares, and their side.
fn occupied() -> (impl Iterator<Item = [f64; 2]>, f64) {
    let side = 2.0 * HALF / SQUARES as f64;
    let corners = (0..SQUARES * SQUARES).filter_map(move |index| {
        let (row, column) = (index / SQUARES, index % SQUARES);
        let corner = [column, row].map(|place| place as f64 * side - HALF);
        (row + column).is_multiple_of(2).then_some(corner)
    });
    (corners, side)
}

/// A uniform place in the occupied squares: the first number chooses the square and the place
/// across.
pub(super) fn place([first, up]: [f64; 2]) -> [f64; 2] {
    let (corners, side) = occupied();
    let corners: Vec<[f64; 2]> = corners.collect();
    let scaled = first * corners.len() as f64;
    let square = (scaled as usize).min(corners.len() - 1);
    let [x, y] = corners[square];
    [x + side * (scaled - square as f64), y + side * up]
}

/// The log-density: a mixture of squares whose edges are normal distribution functions.
pub(super) fn log_density(x: [f64; 2], noise: f64) -> f64 {
    let (corners, side) = occupied();
    let squares = corners
        .map(|corner| edge(x[0] - corner[0], side, noise) * edge(x[1] - corner[1], side, noise));
    let sum: f64 = squares.sum();
    (sum / OCCUPIED as f64).ln()
}

/// The density at `x` of a uniform number from 0 to `side` plus noise.
fn edge(x: f64, side: f64, noise: f64) -> f64 {
    if noise == 0.0 {
        return f64::from(u8::from((0.0..side).contains(&x))) / side;
    }
    mass_between((x - side) / noise, x / noise) / side
}
