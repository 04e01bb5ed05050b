//! What the run was made on.

use super::Section;
use crate::report::html;
use crate::report::run_data::RunData;
use crate::run::Machine;

pub(super) fn section(data: &RunData<'_>) -> Option<Section> {
    let starts = &data.machines.starts;
    let mut body = String::new();
    let mut before: Option<&Machine> = None;
    for machine in starts {
        // A run that was stopped and went on at the same place says it once.
        if !before.is_some_and(|before| same(before, machine)) {
            if starts.len() > 1 {
                body.push_str(&format!(
                    "<h3>From update {}</h3>\n",
                    html::count(machine.step)
                ));
            }
            body.push_str(&facts(machine));
        }
        before = Some(machine);
    }
    if starts.is_empty() {
        body = html::missing(
            "There is no machine.toml: the run was made by an older version, or has not started.",
        );
    }
    Some(Section {
        id: "machine",
        title: "Machine",
        look_for: "",
        body,
    })
}

fn same(a: &Machine, b: &Machine) -> bool {
    let elsewhere = Machine {
        at: b.at,
        step: b.step,
        ..a.clone()
    };
    elsewhere == *b
}

fn facts(machine: &Machine) -> String {
    let unknown = || "unknown".to_string();
    let memory = |bytes: u64| format!("{:.1} GiB", bytes as f64 / (1_u64 << 30) as f64);
    html::facts(&[
        ("Processor", machine.cpu.clone().unwrap_or_else(unknown)),
        (
            "Processors used",
            machine
                .cores
                .map_or_else(unknown, |cores| cores.to_string()),
        ),
        ("Memory", machine.memory.map_or_else(unknown, memory)),
        ("Backend and device", machine.device.clone()),
        ("System", machine.system.clone()),
        (
            "Versions",
            format!("ebm {}, burn {}", machine.ebm, machine.burn),
        ),
        ("Started", html::date(machine.at)),
    ])
}
