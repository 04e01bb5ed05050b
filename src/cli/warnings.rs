//! Warnings of the library about data, printed as lines of the command where nobody asked for
//! events.

use std::fmt;

use tracing::{Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::registry::LookupSpan;

use super::terminal::EventWriter;

/// What is printed: what the library made of data that weren't quite as expected. Of a run, the
/// reporter prints the events.
const FILTER: &str = "off,ebm_train::data=warn";

/// A line without a time and a place.
struct Line;

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        writer.write_str("warning: ")?;
        context
            .field_format()
            .format_fields(writer.by_ref(), event)?;
        writeln!(writer)
    }
}

/// Prints warnings from now on, for the whole process.
pub(super) fn print() {
    let lines = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(FILTER))
        .with_writer(|| EventWriter)
        .with_ansi(false)
        .log_internal_errors(false)
        .event_format(Line);
    // Fails where a program that uses this one has set up its own.
    let _ = lines.try_init();
}
