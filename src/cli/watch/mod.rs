//! `ebm watch`: a run in the terminal, while it goes on or after.

mod charts;
mod half_blocks;
mod judged;
mod plain;
mod state;
#[cfg(test)]
mod tests;
mod view;

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{Duration, Instant};

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};

use super::failure::Failure;
use super::run_args::RunArgs;
use super::signals;
use super::terminal::{say_file, say_lines};
use super::train::parse_duration;
use state::State;

/// Shortest time between two looks at the folder.
const SHORTEST: Duration = Duration::from_millis(100);

/// Longest time until a signal is answered.
const ANSWER: Duration = Duration::from_millis(100);

/// Watch a run in the terminal: how good the model is, its newest samples, progress, energies, gap,
/// gradient norm, chains, the last events.
///
/// It reads the run folder and leaves the run alone; `q` quits, `s` shows the samples alone. They
/// are drawn where the terminal has 24-bit colours (COLORTERM=truecolor). Without a terminal, or
/// with --once, it prints how the run stands and ends.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    run: RunArgs,
    /// Print how the run stands, once
    #[arg(long)]
    once: bool,
    /// Time between two looks at the folder, e.g. 1s
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = parse_duration)]
    every: Duration,
}

const EXAMPLES: &str = "\
Examples:
  ebm watch runs/digits-1
  ebm watch runs/digits-1 --once                   a few lines, for scripts and mail";

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    let mut state = State::open(args.run.path())?;
    let is_terminal = std::io::stdout().is_terminal();
    if is_terminal && half_blocks::can_be_drawn() {
        state = state.with_pictures();
    }
    if args.once || !is_terminal {
        say_lines(&plain::snapshot(&state));
        if let Some((_, picture)) = state.picture() {
            say_file(half_blocks::lines(picture, half_blocks::room()).as_bytes());
        }
        return Ok(());
    }
    let failed = |error: std::io::Error| Failure::Argument {
        argument: "watch",
        message: format!("this terminal can't be used ({error}): print a snapshot with `--once`"),
    };
    let signal = Arc::new(AtomicI32::new(0));
    let heard = Arc::clone(&signal);
    signals::on_stop(move |signal| heard.store(signal, Ordering::SeqCst)).map_err(failed)?;
    // Its panic hook gives the terminal back, too.
    let mut terminal = ratatui::try_init().map_err(failed)?;
    let every = args.every.max(SHORTEST);
    let ended = watch(&mut terminal, &mut state, every, &signal);
    ratatui::restore();
    match signal.load(Ordering::SeqCst) {
        0 => {}
        signal => signals::end_by(signal),
    }
    match ended {
        Ok(result) => result,
        Err(error) => Err(failed(error)),
    }
}

/// Draws until `q` or a signal. The outer error is the terminal's, the inner one that of the run
/// folder.
fn watch(
    terminal: &mut DefaultTerminal,
    state: &mut State,
    every: Duration,
    signal: &AtomicI32,
) -> std::io::Result<Result<(), Failure>> {
    let mut screen = view::Screen::All;
    loop {
        terminal.draw(|frame| view::draw(frame, state, screen))?;
        let next = Instant::now() + every;
        loop {
            if signal.load(Ordering::SeqCst) != 0 {
                return Ok(Ok(()));
            }
            let left = next.saturating_duration_since(Instant::now());
            if !event::poll(left.min(ANSWER))? {
                if left.is_zero() {
                    break;
                }
                continue;
            }
            match event::read()? {
                Event::Key(key) if key.kind == KeyEventKind::Press => {
                    let control_c = key.code == KeyCode::Char('c')
                        && key.modifiers.contains(KeyModifiers::CONTROL);
                    if control_c || matches!(key.code, KeyCode::Char('q') | KeyCode::Esc) {
                        return Ok(Ok(()));
                    }
                    if key.code == KeyCode::Char('s') {
                        screen = screen.other();
                        terminal.draw(|frame| view::draw(frame, state, screen))?;
                    }
                }
                Event::Resize(..) => {
                    terminal.draw(|frame| view::draw(frame, state, screen))?;
                }
                _ => {}
            }
        }
        if let Err(error) = state.poll() {
            return Ok(Err(error));
        }
    }
}
