//! `ebm man`: manual pages.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory};
use clap_mangen::Man;
use ebm::training::files::write_whole;

use super::Cli;
use super::failure::Failure;
use super::output::check_folder;
use super::terminal::{confirm, quoted, say_file};

/// Print the manual page of `ebm`, or write those of all subcommands into a folder.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Folder of the pages ebm.1, ebm-train.1, ...; made if it isn't there
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  ebm man > ebm.1                        then `man ./ebm.1`
  ebm man --out man1                     all pages, for a folder such as ~/.local/share/man/man1";

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    let mut command = Cli::command();
    command.build();
    let Some(folder) = &args.out else {
        say_file(&page(&command)?);
        return Ok(());
    };
    let mut pages = vec![("ebm.1".to_string(), page(&command)?)];
    for subcommand in command
        .get_subcommands()
        .filter(|it| it.get_name() != "help")
    {
        // As `git-commit(1)`: pages are called by the whole command.
        let name = format!("ebm-{}", subcommand.get_name());
        let titled = subcommand.clone().display_name(name.clone());
        pages.push((format!("{name}.1"), page(&titled)?));
    }
    let failed = |path: &Path, message: String| Failure::Write {
        path: path.display().to_string(),
        message,
    };
    check_folder(folder)?;
    fs::create_dir_all(folder).map_err(|error| failed(folder, error.to_string()))?;
    for (name, _) in &pages {
        let path = folder.join(name);
        if path.exists() {
            return Err(Failure::Argument {
                argument: "--out",
                message: format!(
                    "{} exists already: choose another folder, or delete it",
                    path.display()
                ),
            });
        }
    }
    for (name, page) in &pages {
        let path = folder.join(name);
        write_whole(&path, page).map_err(|error| failed(&path, error.to_string()))?;
    }
    confirm(format_args!(
        "wrote {} pages to {}",
        pages.len(),
        quoted(folder)
    ));
    Ok(())
}

/// A page in the language of `man`.
fn page(command: &Command) -> Result<Vec<u8>, Failure> {
    let mut page = Vec::new();
    Man::new(command.clone())
        .manual("User Commands")
        .render(&mut page)
        .map_err(|error| Failure::Write {
            path: "a manual page".into(),
            message: error.to_string(),
        })?;
    Ok(page)
}
