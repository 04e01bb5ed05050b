//! The list of model kinds as arguments and help: `--model`, what arrays don't say, tables of
//! names.

use std::collections::BTreeMap;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Arg, ArgMatches, Command, FromArgMatches};
use ebm::models::Activation;
use ebm::run::kinds::{KINDS, Kind, OptionValue, Weights, WeightsOption};

/// Reads the name of a kind.
pub(crate) fn parser() -> impl TypedValueParser<Value = &'static Kind> {
    PossibleValuesParser::new(KINDS.iter().map(Kind::flag))
        .try_map(|name| Kind::named(&name).ok_or("there is no such kind"))
}

/// The names of kinds as a list: `a, b and c`.
pub(crate) fn names(kinds: impl IntoIterator<Item = &'static Kind>) -> String {
    let names: Vec<String> = kinds.into_iter().map(Kind::flag).collect();
    match names.split_last() {
        Some((last, before)) if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        _ => names.concat(),
    }
}

/// The kinds that have an option.
pub(crate) fn kinds_with(option: &WeightsOption) -> impl Iterator<Item = &'static Kind> {
    let key = option.key;
    KINDS.iter().filter(move |kind| {
        let options = kind.weights().options;
        options.iter().any(|option| option.key == key)
    })
}

/// What is said of each kind, as lines of a table.
pub(crate) fn table(text: fn(&Weights) -> &'static str) -> String {
    let mut rows: Vec<(String, &str)> = Vec::new();
    for kind in KINDS {
        let text = text(&kind.weights());
        match rows.last_mut() {
            Some((names, same)) if *same == text => *names += &format!(", {}", kind.flag()),
            _ => rows.push((kind.flag(), text)),
        }
    }
    let mut table = String::new();
    for (names, text) in rows {
        let mut first = format!("  {names:<10} ");
        if names.len() > 10 {
            table += &format!("  {names}\n");
            first = " ".repeat(13);
        }
        for line in text.lines() {
            table += &format!("{first}{line}\n");
            first = " ".repeat(13);
        }
    }
    table
}

/// All options of all kinds, each once.
fn options() -> Vec<&'static WeightsOption> {
    let mut options: Vec<&WeightsOption> = Vec::new();
    for option in KINDS.iter().flat_map(|kind| kind.weights().options) {
        if options.iter().all(|known| known.key != option.key) {
            options.push(option);
        }
    }
    options
}

/// What was asked for of what arrays don't say: a flag for each option of a kind.
#[derive(Clone, Debug, Default)]
pub(crate) struct KindOptions {
    given: BTreeMap<&'static str, String>,
}

impl KindOptions {
    /// The options that were given, and their values as a file has them.
    pub(crate) fn given(&self) -> impl Iterator<Item = (&'static WeightsOption, &str)> {
        let value =
            |option: &'static WeightsOption| Some((option, self.given.get(option.key)?.as_str()));
        options().into_iter().filter_map(value)
    }
}

impl clap::Args for KindOptions {
    fn augment_args(mut command: Command) -> Command {
        for option in options() {
            let kinds = names(kinds_with(option));
            let arg = Arg::new(option.key)
                .long(option.flag())
                .value_name(option.value.name())
                .help(format!("For {kinds}: {}", option.help))
                .hide_possible_values(true);
            command = command.arg(match option.value {
                OptionValue::Count => arg.value_parser(clap::value_parser!(usize)),
                OptionValue::Counts => {
                    let arg = arg.value_parser(clap::value_parser!(usize));
                    arg.value_delimiter(',')
                }
                OptionValue::Activation => arg.value_parser(parse_activation),
                OptionValue::OneOf(names) => arg.value_parser(PossibleValuesParser::new(names)),
            });
        }
        command
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for KindOptions {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut read = Self::default();
        read.update_from_arg_matches(matches)?;
        Ok(read)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        for option in options() {
            let key = option.key;
            let value = match option.value {
                OptionValue::Count => matches.get_one::<usize>(key).map(usize::to_string),
                OptionValue::Counts => {
                    let counts = matches.get_many::<usize>(key);
                    counts.map(|counts| format!("{:?}", counts.collect::<Vec<_>>()))
                }
                OptionValue::Activation => {
                    let activation = matches.get_one::<Activation>(key);
                    activation.map(Activation::to_string)
                }
                OptionValue::OneOf(_) => matches.get_one::<String>(key).cloned(),
            };
            self.given.extend(value.map(|value| (key, value)));
        }
        Ok(())
    }
}

fn parse_activation(text: &str) -> Result<Activation, ebm::models::UnknownActivation> {
    text.parse()
}
