//! `ebm watch`: a run in the terminal, while it goes on or after.

mod plain;
mod state;
#[cfg(test)]
mod tests;
mod view;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};

use super::failure::Failure;
use super::terminal::say;
use super::train::parse_duration;
use state::State;

/// Shortest time between two looks at the folder.
const SHORTEST: Duration = Duration::from_millis(100);

/// Watch a run in the terminal: progress, energies, gap, gradient norm, chains, the last events.
///
/// It reads the run folder and leaves the run alone; `q` quits. Without a terminal, or with --once, it prints how the run
/// stands and ends.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Run folder, made by `ebm train`
    #[arg(value_name = "DIR")]
    run: PathBuf,
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
    let mut state = State::open(&args.run)?;
    if args.once || !std::io::stdout().is_terminal() {
        say(format_args!("{}", plain::snapshot(&state).trim_end()));
        return Ok(());
    }
    let failed = |error: std::io::Error| Failure::Argument {
        argument: "watch",
        message: format!("this terminal can't be used ({error}): print a snapshot with `--once`"),
    };
    let mut terminal = ratatui::try_init().map_err(failed)?;
    let ended = watch(&mut terminal, &mut state, args.every.max(SHORTEST));
    ratatui::restore();
    match ended {
        Ok(result) => result,
        Err(error) => Err(failed(error)),
    }
}

/// Draws until `q`. The outer error is the terminal's, the inner one that of the run folder.
fn watch(
    terminal: &mut DefaultTerminal,
    state: &mut State,
    every: Duration,
) -> std::io::Result<Result<(), Failure>> {
    loop {
        terminal.draw(|frame| view::draw(frame, state))?;
        let next = Instant::now() + every;
        loop {
            let left = next.saturating_duration_since(Instant::now());
            if !event::poll(left)? {
                break;
            }
            match event::read()? {
                Event::Key(key) if key.kind == KeyEventKind::Press => {
                    let control_c = key.code == KeyCode::Char('c')
                        && key.modifiers.contains(KeyModifiers::CONTROL);
                    if control_c || matches!(key.code, KeyCode::Char('q') | KeyCode::Esc) {
                        return Ok(Ok(()));
                    }
                }
                Event::Resize(..) => {
                    terminal.draw(|frame| view::draw(frame, state))?;
                }
                _ => {}
            }
        }
        if let Err(error) = state.poll() {
            return Ok(Err(error));
        }
    }
}
