//! The server: what a promise stands on outside of the schema.

use crate::rules::catalogue::facts::{Facts, Server};
use crate::rules::doctor::finding::{DoctorFinding, MendStep, State};

pub(crate) fn findings(facts: &Facts) -> Vec<DoctorFinding> {
    let server = &facts.server;
    let mut found = vec![preload(server)];
    found.extend(pooler(server));
    found.extend(durability(server));
    found.extend(server.presets.iter().map(|preset| {
        let why = "a preset of a role or of the database changes what each of its sessions starts with; make sure that it is meant";
        DoctorFinding::new(format!("preset {preset}"), State::Risky, "", why)
    }));
    if server.isolation != "read committed" {
        let why = format!(
            "every transaction starts at {}: 40001 is then an answer that every caller has to retry",
            server.isolation
        );
        found.push(DoctorFinding::new("default_transaction_isolation", State::Risky, "", why));
    }
    if server.read_only || server.in_recovery {
        let why = "transactions are read-only here: this is a standby, or default_transaction_read_only is on; confirms are refused with 25006";
        found.push(DoctorFinding::new("read-only", State::Risky, "", why));
    }
    found.extend(clients_gone(server));
    if server.plan_cache_mode == "force_custom_plan" {
        let why = "each statement is planned again at each call: some 50 microseconds a statement";
        let mend = ["alter system reset plan_cache_mode", "select pg_catalog.pg_reload_conf()"];
        found.push(DoctorFinding::new("plan_cache_mode", State::Risky, "", why).mend(MendStep::Free, mend));
    }
    if server.replication_role == "replica" {
        let why = "in this session triggers and foreign keys do not fire";
        found.push(DoctorFinding::new("session_replication_role", State::Wrong, "G1", why));
    }
    found
}

fn preload(server: &Server) -> DoctorFinding {
    let what = "shared_preload_libraries";
    let Some(libraries) = server.preloaded.as_deref() else {
        let why = "you may not see it: ask as a member of pg_read_all_settings whether it names holdfast";
        return DoctorFinding::new(what, State::Risky, "G10", why);
    };
    let names: Vec<&str> = libraries.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    if names.contains(&"holdfast") {
        return DoctorFinding::new(what, State::Ok, "G10", "the library is preloaded");
    }
    let why = "the library is not preloaded. Weaker without: attempts are not counted, those that were rolled back above all; an attempt whose session was ended is answered never_seen, for nobody noted it, and an automatic one is not made again; shadow mode loses the calls that raised; no worker runs, so sweep by pg_cron. Not weaker: answers, fences, limits in time, running attempts, which are seen by their lock. Takes effect when the server is restarted";
    let list: Vec<String> = names.iter().copied().chain(["holdfast"]).map(|name| format!("'{name}'")).collect();
    let list = list.join(", ");
    let back = if names.is_empty() { "''".to_owned() } else { list.replace(", 'holdfast'", "") };
    DoctorFinding::new(what, State::Missing, "G10", why)
        .mend(MendStep::Free, [format!("alter system set shared_preload_libraries = {list}")])
        .undo(format!("alter system set shared_preload_libraries = {back}"))
}

/// Calls with a limit in time look by themselves.
fn clients_gone(server: &Server) -> Option<DoctorFinding> {
    if server.connection_check {
        return None;
    }
    let what = "client_connection_check_interval";
    let why = "a plain call whose client has vanished goes on until it is done, and keeps its locks so long; calls with a limit in time look twice a second by themselves";
    let reload = "select pg_catalog.pg_reload_conf()";
    let finding = DoctorFinding::new(what, State::Risky, "G7", why)
        .mend(MendStep::Free, [format!("alter system set {what} = '1s'"), reload.to_owned()])
        .undo(format!("alter system reset {what}"));
    Some(finding)
}

fn pooler(server: &Server) -> Option<DoctorFinding> {
    if server.poolers.is_empty() {
        return None;
    }
    let why = format!(
        "a pooling proxy is in use ({}): in transaction mode SET leaks to the next client and session locks strand; holdfast needs neither, callers use SET LOCAL; max_prepared_transactions is {}",
        server.poolers.join(", "),
        server.prepared_transactions
    );
    Some(DoctorFinding::new("pooling proxy", State::Ok, "", why))
}

fn durability(server: &Server) -> Vec<DoctorFinding> {
    let mut found = Vec::new();
    if server.synchronous_commit == "off" {
        let why = "an answer may be lost by a crash after it was given: the caller was told confirmed, and the booking is not";
        found.push(DoctorFinding::new("synchronous_commit", State::Risky, "G4", why));
    }
    for (name, on) in [("fsync", server.fsync), ("full_page_writes", server.full_page_writes)] {
        if !on {
            let why = "a crash may corrupt the database: no promise survives that";
            let mend = [format!("alter system set {name} = on"), "select pg_catalog.pg_reload_conf()".to_owned()];
            found.push(DoctorFinding::new(name, State::Wrong, "G1", why).mend(MendStep::Free, mend));
        }
    }
    found
}
