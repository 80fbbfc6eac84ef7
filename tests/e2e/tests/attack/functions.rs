//! Every function of ours by every role, and every hostile argument.

use super::ground::{CREATOR, HOUSE, MONITOR, NEIGHBOUR, NOBODY, OTHER, OWNER, SERVICE};
use super::suite::{Suite, answered, refused};

/// Calls of every function in a schema that belongs to us: its name, and the call with NULL for each argument, or with `argument`
/// where it takes that type.
pub fn calls(suite: &mut Suite, schema: &str) -> Vec<(String, String)> {
    let rows = suite.house.floor.client.query(
        "select p.proname::text, format('select %I.%I(%s)', n.nspname, p.proname,
           (select string_agg('(select null::' || format_type(t, null) || ')', ', ' order by place)
            from unnest(p.proargtypes) with ordinality u (t, place)))
         from pg_proc p join pg_namespace n on n.oid = p.pronamespace join pg_language l on l.oid = p.prolang
         where n.nspname = $1 and p.prokind = 'f' and p.prorettype <> 'trigger'::regtype and l.lanname = 'c' order by 1",
        &[&schema],
    );
    rows.expect("the functions").iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// Granted to pg_monitor.
const WATCHED: &[&str] = &[
    "attempt_counts",
    "attempts_in_flight",
    "call_counts",
    "outcome_counts",
    "phase_counts",
    "recorded_spans",
    "shadow_counts",
    "span_counts",
    "task_status",
    "why",
    "worker_status",
];

#[test]
fn every_function_by_every_role() {
    let mut suite = Suite::new("every_function_by_every_role");
    let (natives, contract) = (calls(&mut suite, "holdfast"), calls(&mut suite, HOUSE));
    assert!(natives.len() >= 30 && contract.len() >= 20, "{} {}", natives.len(), contract.len());
    let sign = "the function runs for a role that it was not granted to";
    for who in [NOBODY, OTHER, CREATOR, MONITOR, SERVICE, OWNER] {
        // The contract's functions belong to the owner and were granted to the service.
        let closed: Vec<_> = if [SERVICE, OWNER].contains(&who) {
            natives.clone()
        } else {
            [natives.clone(), contract.clone()].concat()
        };
        // Who watches the server reads what is counted and remembered; `contract::privileges` says that it is no more.
        let granted = |name: &str| who == MONITOR && WATCHED.contains(&name);
        for (name, call) in closed.into_iter().filter(|(name, _)| !granted(name)) {
            suite.attack(who, name, sign, |house| refused(&mut house.session_as(who), &call, &["42501"]));
        }
    }
    assert_eq!(suite.report(200), Vec::<String>::new());
}

/// Of each type, what a caller could think of. `MANY` and `LONG` are numbers: 20 000 and 10 000 000, in the long form
/// (`HOLDFAST_HOSTILE=long`) 1 000 000 and 100 000 000.
const HOSTILE: &[(&str, &[&str])] = &[
    ("uuid", &["'00000000-0000-0000-0000-000000000000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'"]),
    (
        "uuid[]",
        &[
            "'{}'",
            "array[null, null]::uuid[]",
            "array_fill(gen_random_uuid(), array[MANY])",
            "array_fill(gen_random_uuid(), array[2, 2])",
            "array_fill(gen_random_uuid(), array[2], array[-2147483648])",
        ],
    ),
    (
        "text",
        &["''", "repeat('k', LONG)", "E'\\x01\\r\\n'", "'x''; drop table bookings; --'", "repeat('\u{fe0f}', 100000)"],
    ),
    (
        "text[]",
        &["'{}'", "array[null]::text[]", "array_fill('x'::text, array[MANY])", "array_fill('x'::text, array[2, 2])"],
    ),
    (
        "bigint[]",
        &[
            "'{}'",
            "array[null]::bigint[]",
            "array_fill(1::bigint, array[MANY])",
            "array_fill(1::bigint, array[2, 2])",
            "array[-9223372036854775808]",
        ],
    ),
    ("integer", &["-2147483648", "2147483647", "0"]),
    ("bigint", &["-9223372036854775808", "9223372036854775807"]),
    ("interval", &["'infinity'", "'-178000000 years'", "'178000000 years'", "'-1 second'"]),
    (
        "timestamp with time zone",
        &["'infinity'", "'-infinity'", "'4713-01-01 00:00:00 BC'", "'294276-12-31 23:59:59.999999'"],
    ),
    ("date", &["'infinity'", "'5874897-12-31'"]),
    ("time without time zone", &["'24:00'"]),
    (
        "jsonb",
        &[
            "'null'",
            "'[]'",
            "'\"x\"'",
            "'1e400'",
            "'123456789012345678901234567890.5'",
            "(repeat('[', 5000) || repeat(']', 5000))::jsonb",
            "jsonb_build_object('k', repeat('v', LONG))",
        ],
    ),
    (
        "regnamespace",
        &["0", "4294967295", "'pg_catalog'", "'pg_toast'", "'information_schema'", "'holdfast'", "'book'"],
    ),
    ("boolean", &["true"]),
];

/// `MANY`, `LONG` and how long a call may take.
fn sizes() -> [(&'static str, &'static str); 3] {
    match std::env::var("HOLDFAST_HOSTILE").as_deref() {
        Ok("long") => [("MANY", "1000000"), ("LONG", "100000000"), ("PATIENCE", "10min")],
        _ => [("MANY", "20000"), ("LONG", "10000000"), ("PATIENCE", "20s")],
    }
}

#[test]
fn hostile_arguments_to_every_function() {
    let mut suite = Suite::new("hostile_arguments");
    // What creates schemas, attaches, detaches and drops is tried elsewhere.
    let spared = ["attach", "detach", "create_reference_schema"];
    let sign = "the server crashes, answers XX000, or 42883 and 42P01, which callers take for not installed";
    let day = suite.house.booking(1);
    for schema in ["holdfast", HOUSE] {
        let rows = suite.house.floor.client.query(
            "select p.proname::text, array(select format_type(t, null)
                    from unnest(p.proargtypes) with ordinality u (t, place) order by place)
             from pg_proc p join pg_language l on l.oid = p.prolang
             where p.pronamespace = $1::text::regnamespace and p.prokind = 'f' and l.lanname = 'c'
             and p.prorettype <> 'trigger'::regtype order by 1",
            &[&schema],
        );
        let functions: Vec<(String, Vec<String>)> =
            rows.expect("the functions").iter().map(|row| (row.get(0), row.get(1))).collect();
        for (name, types) in functions.iter().filter(|(name, _)| !spared.contains(&name.as_str())) {
            // Each argument in turn is hostile, the others are what a call has.
            let harmless = |kind: &String| match kind.as_str() {
                "regnamespace" => format!("'{HOUSE}'::regnamespace"),
                "uuid" => format!("'{day}'::uuid"),
                "text" => "'key'::text".to_owned(),
                other => format!("null::{other}"),
            };
            for (place, kind) in types.iter().enumerate() {
                let Some((_, values)) = HOSTILE.iter().find(|(of, _)| of == kind) else { continue };
                for value in *values {
                    let mut arguments: Vec<String> = types.iter().map(harmless).collect();
                    arguments[place] = format!("{value}::{kind}");
                    let call = format!(
                        "begin; set local statement_timeout = 'PATIENCE'; select {schema}.{name}({})",
                        arguments.join(", ")
                    );
                    let call = sizes().iter().fold(call, |call, (word, size)| call.replace(word, size));
                    let what = format!(
                        "{schema}.{name}, argument {}: {}",
                        place + 1,
                        value.chars().take(40).collect::<String>()
                    );
                    suite.attack("superuser", what, sign, |house| {
                        let answer = answered(&mut house.floor, &call);
                        house.floor.run("rollback");
                        answer
                    });
                }
            }
        }
    }
    assert_eq!(suite.report(300), Vec::<String>::new());
    let _ = NEIGHBOUR;
}
