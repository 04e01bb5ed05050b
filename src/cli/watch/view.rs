//! The picture of a run on a terminal.

use ebm::run::config::EnergyUnit;
use ebm::run::report::RunState;
use ebm::run::{Axis, AxisOptions, Clipped, Extent, Side};
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style, Stylize};
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{self, Block, Chart, Dataset, GraphType, LineGauge, Paragraph};

use crate::cli::numbers::{clock, rate};
use crate::cli::terminal::shown;

use super::state::{State, time_of_day};

/// Narrower than that charts stand below each other.
const TWO_COLUMNS: u16 = 70;
/// Least lines of a chart.
const CHART_LINES: u16 = 7;
/// Most lines of events, and least.
const EVENT_LINES: u16 = 5;
/// Colours of the curves.
const COLORS: [Color; 2] = [Color::Cyan, Color::Yellow];

/// Curves with a title.
struct Plot {
    title: String,
    /// Whether the axis up may be logarithmic, which it is where all values are positive and far
    /// apart.
    logarithmic: bool,
    curves: Vec<(&'static str, Vec<(f64, f64)>)>,
}

/// Draws the run into the whole terminal.
pub(super) fn draw(frame: &mut Frame<'_>, state: &State) {
    let area = frame.area();
    let events = EVENT_LINES.min(area.height / 5).max(1);
    let [head, progress, charts, below, foot] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(2),
        Constraint::Min(0),
        Constraint::Length(events + 1),
        Constraint::Length(1),
    ])
    .areas(area);
    frame.render_widget(title(state), head);
    draw_progress(frame, state, progress);
    draw_charts(frame, state, charts);
    draw_events(frame, state, below, events);
    frame.render_widget(Line::from(" q quits".dim()), foot);
}

fn title(state: &State) -> Line<'static> {
    let run_state = state.run_state();
    let color = match run_state {
        RunState::Running => Color::Green,
        RunState::Failed(_) => Color::Red,
        _ => Color::Blue,
    };
    let mut spans = vec![
        Span::from(format!(" {}  ", shown(&state.path().display().to_string()))).bold(),
        Span::from(run_state.name()).fg(color).bold(),
    ];
    if let RunState::Failed(message) = run_state {
        spans.push(Span::from(format!(": {}", shown(&message))).fg(color));
    }
    for unreadable in state.unreadable() {
        spans.push(Span::from(format!("   {unreadable}")).fg(Color::Yellow));
    }
    Line::from(spans)
}

fn draw_progress(frame: &mut Frame<'_>, state: &State, area: Rect) {
    let [bar, numbers] = Layout::vertical([Constraint::Length(1); 2]).areas(area);
    let step = state.step();
    let steps = state.steps();
    let ratio = steps.map_or(0.0, |steps| (step as f64 / steps as f64).clamp(0.0, 1.0));
    let label = match steps {
        Some(steps) => format!(" {step} of {steps} updates, {:.0} %", 100.0 * ratio),
        None => format!(" {step} updates"),
    };
    let gauge = LineGauge::default()
        .ratio(ratio)
        .label(label)
        .filled_style(Style::new().fg(Color::Green))
        .unfilled_style(Style::new().dim());
    frame.render_widget(gauge, bar);
    let mut parts = Vec::new();
    if let Some(last) = state.last() {
        parts.push(clock(last.seconds));
        if state.run_state() == RunState::Running
            && let Some(left) = state.seconds_left()
        {
            parts.push(format!("{} left", clock(left)));
        }
        parts.push(format!("{} updates/s", rate(last.steps_per_second)));
        if !last.acceptance.is_nan() {
            parts.push(format!("{:.0} % accepted", 100.0 * last.acceptance));
        }
        let resets = state.lines().resets();
        if resets > 0.0 {
            parts.push(format!("{resets} chain steps not finite"));
        }
        if let Some(EnergyUnit::Model { temperature }) = state.unit() {
            parts.push(format!("temperature {temperature:.1e}"));
        }
    }
    frame.render_widget(Line::from(format!(" {}", parts.join("   "))), numbers);
}

fn draw_charts(frame: &mut Frame<'_>, state: &State, area: Rect) {
    if state.lines().is_empty() {
        let text = "\n no metrics yet: the first line comes after output.log_every updates";
        frame.render_widget(Paragraph::new(text).dim(), area);
        return;
    }
    let with_unit = |name: &str| match state.unit() {
        Some(unit) => format!("{name} ({})", unit.name()),
        None => name.into(),
    };
    let mut plots = vec![
        Plot {
            title: with_unit("energy"),
            logarithmic: false,
            curves: vec![
                ("data", state.curve(|line| line.data_energy)),
                ("samples", state.curve(|line| line.sample_energy)),
            ],
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
    ];
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
        .title(heading(plot))
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
fn heading(plot: &Plot) -> Line<'static> {
    let mut spans = vec![Span::from(format!(" {} ", plot.title))];
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

fn draw_events(frame: &mut Frame<'_>, state: &State, area: Rect, count: u16) {
    let mut lines = vec![Line::from(" last events (UTC)".dim())];
    let events = state.last_events(count.into());
    if events.is_empty() {
        lines.push(Line::from(" none recorded".dim()));
    }
    lines.extend(events.into_iter().map(|event| {
        Line::from(vec![
            Span::from(format!(" {}  ", time_of_day(event.at))).dim(),
            Span::from(shown(&event.kind.to_string())),
        ])
    }));
    frame.render_widget(Paragraph::new(lines), area);
}
