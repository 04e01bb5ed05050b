//! The picture of a run on a terminal.

use ebm::training::report::RunState;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style, Stylize};
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{
    Axis, Block, Chart, Dataset, GraphType, LegendPosition, LineGauge, Paragraph,
};

use crate::cli::terminal::shown;

use super::state::{State, clock, time_of_day};

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
    title: &'static str,
    /// Whether the axis up may be logarithmic, which it is where all values are positive and far apart.
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
        parts.push(format!("{:.1} updates/s", last.steps_per_second));
        if let Some(acceptance) = last.acceptance {
            parts.push(format!("{:.0} % accepted", 100.0 * acceptance));
        }
        let resets: f64 = state.lines().iter().filter_map(|line| line.resets).sum();
        if resets > 0.0 {
            parts.push(format!("{resets} chain steps not finite"));
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
    let plots = [
        Plot {
            title: "energy (nats)",
            logarithmic: false,
            curves: vec![
                ("data", state.curve(|line| line.data_energy)),
                ("samples", state.curve(|line| line.sample_energy)),
            ],
        },
        Plot {
            title: "gap E(samples) - E(data)",
            logarithmic: false,
            curves: vec![("", state.curve(|line| line.gap))],
        },
        Plot {
            title: "gradient norm",
            logarithmic: true,
            curves: vec![("", state.curve(|line| line.gradient_norm))],
        },
        Plot {
            title: "displacement of chains",
            logarithmic: true,
            curves: vec![("", state.curve(|line| line.displacement))],
        },
    ];
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
    let all = || plot.curves.iter().flat_map(|(_, points)| points);
    let range = |values: &mut dyn Iterator<Item = f64>| {
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        })
    };
    let (left, right) = range(&mut all().map(|(x, _)| *x));
    let (low, high) = range(&mut all().map(|(_, y)| *y));
    let block = Block::bordered()
        .title(format!(" {} ", plot.title))
        .border_style(Style::new().dim());
    if left > right {
        frame.render_widget(Paragraph::new("no finite values").block(block), area);
        return;
    }
    let logarithmic = plot.logarithmic && low > 0.0 && high / low > 20.0;
    let scale = |y: f64| if logarithmic { y.log10() } else { y };
    let label = |y: f64| short(if logarithmic { 10_f64.powf(y) } else { y });
    // A curve that doesn't move lies in the middle.
    let room = if high > low { 0.0 } else { 0.5 };
    let (low, high) = (scale(low) - room, scale(high) + room);
    let scaled: Vec<(&str, Vec<(f64, f64)>)> = plot
        .curves
        .iter()
        .map(|(name, points)| {
            let points = points.iter().map(|&(x, y)| (x, scale(y)));
            (*name, points.collect())
        })
        .collect();
    let datasets = scaled
        .iter()
        .zip(COLORS)
        .map(|((name, points), color)| {
            let dataset = Dataset::default()
                .marker(Marker::Braille)
                .graph_type(GraphType::Line)
                .style(Style::new().fg(color))
                .data(points);
            if name.is_empty() {
                dataset
            } else {
                dataset.name(*name)
            }
        })
        .collect();
    let axis = |bounds: [f64; 2], labels: [String; 2]| {
        let style = Style::new().dim();
        Axis::default().bounds(bounds).labels(labels).style(style)
    };
    let chart = Chart::new(datasets)
        .block(block)
        .legend_position(Some(LegendPosition::TopRight))
        .hidden_legend_constraints((Constraint::Percentage(60), Constraint::Percentage(60)))
        .x_axis(axis(
            [left, right.max(left + 1.0)],
            [format!("{left}"), format!("{right}")],
        ))
        .y_axis(axis([low, high], [label(low), label(high)]));
    frame.render_widget(chart, area);
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

/// A number in few characters.
fn short(value: f64) -> String {
    // Takes the sign off -0.
    let value = value + 0.0;
    let size = value.abs();
    if size != 0.0 && !(1e-2..1e5).contains(&size) {
        format!("{value:.1e}")
    } else if size < 10.0 {
        format!("{value:.2}")
    } else {
        format!("{value:.1}")
    }
}
