//! The picture of a run on a terminal.

use ebm::run::config::EnergyUnit;
use ebm::run::report::RunState;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style, Stylize};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, LineGauge, Paragraph};

use crate::cli::numbers::{clock, rate};
use crate::cli::terminal::shown;

use super::charts::draw_charts;
use super::state::{State, time_of_day};
use super::{half_blocks, judged};

/// Most lines of events, and least.
const EVENT_LINES: u16 = 5;
/// Narrower than that samples are shown alone, and not beside the charts.
const BESIDE_CHARTS: u16 = 100;

/// What is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Screen {
    /// Charts, and samples beside them where there is room.
    All,
    /// Samples in place of the charts.
    Samples,
}

impl Screen {
    /// The other one.
    pub(super) fn other(self) -> Self {
        match self {
            Self::All => Self::Samples,
            Self::Samples => Self::All,
        }
    }
}

/// Draws the run into the whole terminal.
pub(super) fn draw(frame: &mut Frame<'_>, state: &State, screen: Screen) {
    let area = frame.area();
    let events = EVENT_LINES.min(area.height / 5).max(1);
    let judged = if state.quality().is_empty() { 0 } else { 2 };
    let [head, progress, quality, charts, below, foot] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(2),
        Constraint::Length(judged),
        Constraint::Min(0),
        Constraint::Length(events + 1),
        Constraint::Length(1),
    ])
    .areas(area);
    frame.render_widget(title(state), head);
    draw_progress(frame, state, progress);
    draw_quality(frame, state, quality);
    draw_charts_and_samples(frame, state, charts, screen);
    draw_events(frame, state, below, events);
    let keys = match (state.picture(), screen) {
        (None, _) => " q quits",
        (Some(_), Screen::All) => " q quits   s shows samples alone",
        (Some(_), Screen::Samples) => " q quits   s shows charts",
    };
    frame.render_widget(Line::from(keys.dim()), foot);
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

/// The verdict, and what was measured last.
fn draw_quality(frame: &mut Frame<'_>, state: &State, area: Rect) {
    if state.quality().is_empty() {
        return;
    }
    let verdict = state.verdict();
    let color = judged::color(&verdict);
    let facts: Vec<String> = judged::facts(state)
        .into_iter()
        .map(|(name, value)| format!("{name} {value}"))
        .collect();
    let lines = vec![
        Line::from(format!(" {verdict}")).fg(color).bold(),
        Line::from(format!(" {}", facts.join("   "))),
    ];
    frame.render_widget(Paragraph::new(lines), area);
}

fn draw_charts_and_samples(frame: &mut Frame<'_>, state: &State, area: Rect, screen: Screen) {
    let (charts, samples) = match (state.picture(), screen) {
        (None, _) => (Some(area), None),
        (Some(_), Screen::Samples) => (None, Some(area)),
        (Some(_), Screen::All) if area.width < BESIDE_CHARTS => (Some(area), None),
        (Some(_), Screen::All) => {
            // About square, since a line is as high as two columns are wide.
            let width = (2 * area.height).min(area.width * 2 / 5);
            let columns = [Constraint::Fill(1), Constraint::Length(width)];
            let [charts, samples] = Layout::horizontal(columns).areas(area);
            (Some(charts), Some(samples))
        }
    };
    if let (Some((step, picture)), Some(area)) = (state.picture(), samples) {
        let block = Block::bordered()
            .title(format!(" samples, update {step} "))
            .border_style(Style::new().dim());
        let inner = block.inner(area);
        frame.render_widget(block, area);
        half_blocks::draw(picture, frame.buffer_mut(), inner);
    }
    if let Some(area) = charts {
        draw_charts(frame, state, area);
    }
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
