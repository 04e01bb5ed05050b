//! The curves of a run on a terminal.

use ebm::run::quality::{QualityLine, ScoreKind};
use ebm::run::{Axis, AxisOptions, Clipped, Extent, Side};
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style, Stylize};
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{self, Block, Chart, Dataset, GraphType, Paragraph};

use super::state::State;

/// Narrower than that charts stand below each other.
const TWO_COLUMNS: u16 = 70;
/// Least lines of a chart.
const CHART_LINES: u16 = 7;
/// Colours of the curves.
const COLORS: [Color; 3] = [Color::Cyan, Color::Yellow, Color::Magenta];

/// Curves with a title.
struct Plot {
    title: String,
    /// Whether the axis up may be logarithmic, which it is where all values are positive and far
    /// apart.
    logarithmic: bool,
    curves: Vec<(&'static str, Vec<(f64, f64)>)>,
}

/// The curve that models are compared by, with that of real data.
fn score(state: &State) -> Option<Plot> {
    let score = |line: &QualityLine| line.score().map(|score| score.value);
    let kind = state.quality().last()?.score()?.kind;
    let (title, curves) = match kind {
        ScoreKind::Distance => (
            "distance",
            vec![
                ("samples", state.measured(|line| line.distance)),
                ("real data", state.measured(|line| line.floor)),
            ],
        ),
        ScoreKind::Divergence => ("divergence (nats)", vec![("", state.measured(score))]),
        ScoreKind::NegativeLogLikelihood => (
            "log-likelihood (nats)",
            vec![("", state.measured(|line| line.log_likelihood))],
        ),
    };
    Some(Plot {
        title: title.into(),
        logarithmic: true,
        curves,
    })
}

/// Draws as many charts as there is room for.
pub(super) fn draw_charts(frame: &mut Frame<'_>, state: &State, area: Rect) {
    if state.lines().is_empty() {
        let text = "\n no metrics yet: the first line comes after output.log_every updates";
        frame.render_widget(Paragraph::new(text).dim(), area);
        return;
    }
    let with_unit = |name: &str| match state.unit() {
        Some(unit) => format!("{name} ({})", unit.name()),
        None => name.into(),
    };
    let mut energies = vec![
        ("data", state.curve(|line| line.data_energy)),
        ("samples", state.curve(|line| line.sample_energy)),
        ("held out", state.measured(|line| line.held_out_energy)),
    ];
    energies.retain(|(_, points)| !points.is_empty());
    let mut plots: Vec<Plot> = score(state).into_iter().collect();
    plots.extend([
        Plot {
            title: with_unit("energy"),
            logarithmic: false,
            curves: energies,
        },
        Plot {
            title: "gap E(samples) - E(data)".into(),
            logarithmic: false,
            curves: vec![("", state.curve(|line| line.gap))],
        },
        Plot {
            title: "gradient norm".into(),
            logarithmic: true,
            curves: vec![("", state.curve(|line| line.gradient_norm))],
        },
        Plot {
            title: "displacement of chains".into(),
            logarithmic: true,
            curves: vec![("", state.curve(|line| line.displacement))],
        },
        Plot {
            title: "loss".into(),
            logarithmic: false,
            curves: vec![("", state.curve(|line| line.loss))],
        },
    ]);
    let others = state.lines().other_keys().map(|key| Plot {
        title: key.to_string(),
        logarithmic: false,
        curves: vec![("", state.lines().other_curve(key))],
    });
    plots.extend(others);
    // What this run doesn't tell takes no place.
    plots.retain(|plot| plot.curves.iter().any(|(_, points)| !points.is_empty()));
    let columns = if area.width >= TWO_COLUMNS { 2 } else { 1 };
    let room = usize::from((area.height / CHART_LINES).max(1));
    let rows = room.min(plots.len() / columns);
    let shown = &plots[..rows * columns];
    let lines = Layout::vertical(vec![Constraint::Fill(1); rows]).split(area);
    for (plots, line) in shown.chunks(columns).zip(lines.iter()) {
        let cells = Layout::horizontal(vec![Constraint::Fill(1); columns]).split(*line);
        for (plot, cell) in plots.iter().zip(cells.iter()) {
            draw_chart(frame, plot, *cell);
        }
    }
}

fn draw_chart(frame: &mut Frame<'_>, plot: &Plot, area: Rect) {
    let block = Block::bordered()
        .title(heading(plot, area.width))
        .border_style(Style::new().dim());
    let inner = block.inner(area);
    let curves = || plot.curves.iter().map(|(_, points)| points.as_slice());
    let steps = curves().flatten().map(|(x, _)| *x);
    let options = AxisOptions {
        extent: Extent::Settled,
        logarithmic: plot.logarithmic,
        reference: None,
        // A tick on every second line, without the line below for those across.
        ticks: usize::from(inner.height / 2).max(3),
    };
    let (Some(across), Some(up)) = (
        Axis::across(steps, usize::from(inner.width / 9).max(2)),
        Axis::up(curves(), &options),
    ) else {
        frame.render_widget(Paragraph::new("no finite values").block(block), area);
        return;
    };
    frame.render_widget(block, area);
    let graph = draw_axes(frame.buffer_mut(), inner, &across, &up);
    // One mark a column.
    let spacing = (across.high - across.low) / f64::from(graph.width.max(1));
    let shown: Vec<Clipped> = curves()
        .map(|points| up.clip(points.iter().copied(), spacing))
        .collect();
    let datasets = shown.iter().zip(COLORS).map(|(curve, color)| {
        Dataset::default()
            .marker(Marker::Braille)
            .graph_type(GraphType::Line)
            .style(Style::new().fg(color))
            .data(&curve.line)
    });
    let axis = |axis: &Axis| widgets::Axis::default().bounds([axis.low, axis.high]);
    let chart = Chart::new(datasets.collect())
        .x_axis(axis(&across))
        .y_axis(axis(&up));
    frame.render_widget(chart, graph);
    for (curve, color) in shown.iter().zip(COLORS) {
        for mark in &curve.marks {
            let (row, symbol) = match mark.side {
                Side::Above => (graph.top(), "▲"),
                Side::Below => (graph.bottom().saturating_sub(1), "▼"),
            };
            let column = graph.left() + cell(mark.x, &across, graph.width);
            if let Some(cell) = frame.buffer_mut().cell_mut((column, row)) {
                cell.set_symbol(symbol).set_style(Style::new().fg(color));
            }
        }
    }
}

/// The title of a chart, and the names of its curves in their colours: beside them, not over them.
/// The unit gives way where names would be cut off.
fn heading(plot: &Plot, width: u16) -> Line<'static> {
    let names = plot.curves.iter().filter(|(name, _)| !name.is_empty());
    let names: usize = names.map(|(name, _)| name.len() + 2).sum();
    let title = match plot.title.split_once(" (") {
        Some((title, _)) if plot.title.len() + 4 + names > width.into() => title,
        _ => &plot.title,
    };
    let mut spans = vec![Span::from(format!(" {title} "))];
    for ((name, _), color) in plot.curves.iter().zip(COLORS) {
        if !name.is_empty() {
            spans.push(Span::from(format!(" {name} ")).fg(color));
        }
    }
    Line::from(spans)
}

/// Draws ticks with their labels on the left and below, as far as there is room; returns what is
/// left for the curves.
fn draw_axes(buffer: &mut Buffer, area: Rect, across: &Axis, up: &Axis) -> Rect {
    let labels: Vec<String> = up.ticks.iter().map(|&tick| up.label(tick)).collect();
    let widest = labels.iter().map(String::len).max().unwrap_or(0) as u16;
    // At least as much room for curves as for numbers.
    let left = if 2 * widest < area.width {
        widest + 1
    } else {
        0
    };
    let below = u16::from(area.height > 2);
    let graph = Rect {
        x: area.x + left,
        width: area.width - left,
        height: area.height - below,
        ..area
    };
    let style = Style::new().dim();
    if left > 0 {
        for row in graph.top()..graph.bottom() {
            buffer.set_string(graph.x - 1, row, "│", style);
        }
        let row = |tick: f64| {
            graph
                .bottom()
                .saturating_sub(1 + cell(tick, up, graph.height))
        };
        let ticks: Vec<(u16, &String)> = up
            .ticks
            .iter()
            .map(|&tick| row(tick))
            .zip(&labels)
            .collect();
        // Where lines are few, two ticks may fall on one: then every second has a label, or every
        // third, the middle one among them.
        let is_free = |step: usize| {
            let shown: Vec<u16> = every(&ticks, step).map(|(row, _)| *row).collect();
            shown.windows(2).all(|pair| pair[0] != pair[1])
        };
        let step = (1..=ticks.len()).find(|&step| is_free(step)).unwrap_or(1);
        for (row, label) in every(&ticks, step).filter(|_| graph.height > 0) {
            let start = graph.x - 1 - label.len() as u16;
            buffer.set_string(start, *row, label, style);
            buffer.set_string(graph.x - 1, *row, "┤", style);
        }
    }
    if below > 0 {
        let mut free = area.left();
        for &tick in &across.ticks {
            let label = across.label(tick);
            let width = label.len() as u16;
            let middle = graph.x + cell(tick, across, graph.width);
            let start = middle
                .saturating_sub(width / 2)
                .min(area.right().saturating_sub(width));
            if start >= free && start + width <= area.right() {
                buffer.set_string(start, graph.bottom(), label, style);
                free = start + width + 1;
            }
        }
    }
    graph
}

/// Every `step`-th of some things, with the middle one.
fn every<T>(things: &[T], step: usize) -> impl Iterator<Item = &T> {
    let middle = things.len().saturating_sub(1) / 2;
    things.iter().skip(middle % step).step_by(step)
}

/// The cell of a place among so many along an axis, from its low end.
fn cell(place: f64, axis: &Axis, cells: u16) -> u16 {
    let share = (place - axis.low) / (axis.high - axis.low);
    (share * f64::from(cells)).clamp(0.0, f64::from(cells.max(1) - 1)) as u16
}
