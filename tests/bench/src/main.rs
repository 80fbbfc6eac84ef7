//! Measurements, each on a server of its own and never part of the tests: README.md says how to run and read them.

mod speed;
mod upkeep;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["speed"] => speed::short(),
        ["speed", "full"] => speed::full(),
        ["report"] => speed::report(false),
        ["report", "full"] => speed::report(true),
        ["publish"] => speed::publish(),
        ["overhead"] => speed::overhead(),
        ["upkeep", what] => upkeep::run(what),
        _ => panic!(
            "speed, speed full, report, report full, publish, overhead, or upkeep view|incremental|worker|tenants"
        ),
    }
}

/// A number from the environment, so that a run can be made smaller.
fn number(name: &str, otherwise: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}
