//! The functions that existing services call: names, arguments, defaults, result columns, owner and grants.

use holdfast_e2e::{Floor, SCHEMA};

/// Copied by hand from the contract, §1: function, arguments (name type=default), result.
const CONTRACT: &[(&str, &str, &str)] = &[
    (
        "confirm_hold_assignment_with_transition",
        "p_booking_id uuid, p_table_ids uuid[], p_idempotency_key text, p_require_adjacency bool=false, \
         p_assigned_by uuid=NULL, p_start_at timestamptz=NULL, p_end_at timestamptz=NULL, \
         p_target_status booking_status='confirmed', p_history_changed_by uuid=NULL, \
         p_history_reason text='auto_assign_atomic_confirm', p_history_metadata jsonb='{}'",
        "table_id uuid, start_at timestamptz, end_at timestamptz, merge_group_id uuid",
    ),
    (
        "confirm_hold_assignment_tx",
        "p_hold_id uuid, p_booking_id uuid, p_idempotency_key text, p_require_adjacency bool=false, \
         p_assigned_by uuid=NULL, p_window_start timestamptz=NULL, p_window_end timestamptz=NULL, \
         p_expected_policy_version text=NULL, p_expected_adjacency_hash text=NULL, p_target_status booking_status=NULL, \
         p_history_reason text='auto_assign_confirm', p_history_metadata jsonb='{}', p_history_changed_by uuid=NULL",
        "assignment_id uuid, table_id uuid, start_at timestamptz, end_at timestamptz, merge_group_id uuid",
    ),
    (
        "assign_tables_atomic_v2",
        "p_booking_id uuid, p_table_ids uuid[], p_idempotency_key text=NULL, p_require_adjacency bool=false, \
         p_assigned_by uuid=NULL, p_start_at timestamptz=NULL, p_end_at timestamptz=NULL",
        "table_id uuid, start_at timestamptz, end_at timestamptz, merge_group_id uuid",
    ),
    (
        "apply_booking_state_transition",
        "p_booking_id uuid, p_status booking_status, p_checked_in_at timestamptz, p_checked_out_at timestamptz, \
         p_updated_at timestamptz, p_history_from booking_status, p_history_to booking_status, p_history_changed_by uuid, \
         p_history_changed_at timestamptz, p_history_reason text, p_history_metadata jsonb='{}'",
        "status booking_status, checked_in_at timestamptz, checked_out_at timestamptz, updated_at timestamptz",
    ),
    ("unassign_tables_atomic", "p_booking_id uuid, p_table_ids uuid[]=NULL", "table_id uuid"),
    (
        "assign_single_table",
        "p_booking_id uuid, p_table_id uuid, p_assigned_by uuid=NULL, p_idempotency_key text=NULL",
        "void",
    ),
    (
        "assign_merged_tables",
        "p_booking_id uuid, p_table_ids uuid[], p_require_adjacency bool=true, p_assigned_by uuid=NULL, \
         p_idempotency_key text=NULL",
        "void",
    ),
    ("release_hold_and_emit", "p_hold_id uuid, p_actor_id uuid=NULL", "boolean"),
    ("refresh_table_status", "p_table_id uuid", "void"),
];

/// The new wrappers: the arguments that the application's own helpers have.
const NEW: &[(&str, &[&str])] = &[
    ("extend_hold", &["p_hold_id", "p_ttl_seconds", "p_booking_id"]),
    (
        "atomic_confirm_and_transition",
        &[
            "p_booking_id",
            "p_hold_id",
            "p_idempotency_key",
            "p_assigned_by",
            "p_history_reason",
            "p_history_metadata",
            "p_history_changed_by",
        ],
    ),
    (
        "hold_tables",
        &["p_booking_id", "p_table_ids", "p_start_at", "p_end_at", "p_ttl_seconds", "p_created_by", "p_metadata"],
    ),
    ("reconcile_booking", &["p_booking_id"]),
    (
        "explain_confirm",
        &[
            "p_booking_id",
            "p_hold_id",
            "p_table_ids",
            "p_idempotency_key",
            "p_require_adjacency",
            "p_assigned_by",
            "p_start_at",
            "p_end_at",
            "p_expected_policy_version",
            "p_expected_adjacency_hash",
            "p_target_status",
            "p_history_reason",
            "p_history_metadata",
            "p_history_changed_by",
        ],
    ),
    ("repair_booking", &["p_booking_id", "p_findings", "p_dry_run"]),
    ("booking_by_idempotency_key", &["p_key"]),
    ("outbox_claim", &["p_consumer", "p_limit", "p_lease_seconds"]),
    ("outbox_ack", &["p_ids", "p_consumer"]),
    ("outbox_fail", &["p_id", "p_error", "p_consumer", "p_retry_seconds"]),
    (
        "atomic_confirm_and_transition_within",
        &[
            "p_booking_id",
            "p_hold_id",
            "p_idempotency_key",
            "p_timeout_ms",
            "p_assigned_by",
            "p_history_reason",
            "p_history_metadata",
            "p_history_changed_by",
        ],
    ),
    ("confirm_many", &["p_items", "p_mode"]),
    ("confirm_outcome", &["p_booking_id", "p_idempotency_key"]),
    ("run_auto_assign", &["p_booking_id", "p_hold_id", "p_timeout_ms", "p_trigger"]),
    (
        "undo_confirm",
        &["p_booking_id", "p_idempotency_key", "p_history_reason", "p_history_metadata", "p_history_changed_by"],
    ),
    (
        "confirm_with_retry",
        &["p_booking_id", "p_hold_id", "p_idempotency_key", "p_timeout_ms", "p_assigned_by", "p_history_reason"],
    ),
    ("fence_attempt", &["p_booking_id", "p_idempotency_key", "p_wait_ms", "p_terminate"]),
    (
        "auto_assign_idempotency_key",
        &["p_booking_id", "p_restaurant_id", "p_party_size", "p_booking_date", "p_start_time"],
    ),
];

/// `name type=default` as the server should print it: `name type DEFAULT default::type`.
fn as_the_server_prints(argument: &str) -> String {
    let (name, rest) = argument.trim().split_once(' ').expect("a name and a type");
    let (kind, default) = rest.split_once('=').map_or((rest, None), |(kind, default)| (kind, Some(default)));
    let kind = match kind {
        "bool" => "boolean",
        "timestamptz" => "timestamp with time zone",
        other => other,
    };
    match default {
        None => format!("{name} {kind}"),
        Some(plain @ ("true" | "false")) => format!("{name} {kind} DEFAULT {plain}"),
        Some(typed) => format!("{name} {kind} DEFAULT {typed}::{kind}"),
    }
}

fn printed(list: &str) -> String {
    list.split(',').map(as_the_server_prints).collect::<Vec<_>>().join(", ")
}

#[test]
fn every_function_has_the_contracts_arguments_and_result() {
    let mut floor = Floor::new();
    floor.run("set search_path = public");
    for (name, arguments, result) in CONTRACT {
        let query = format!(
            "select pg_get_function_arguments(oid) from pg_proc
             where pronamespace = '{SCHEMA}'::regnamespace and proname = '{name}' and probin = '$libdir/holdfast'"
        );
        let found: Vec<String> = floor.column(&query);
        assert_eq!(found, [printed(arguments)], "arguments of {name}");
        let found: Vec<String> = floor.column(&query.replace("_arguments", "_result"));
        let expected = if result.contains(' ') { format!("TABLE({})", printed(result)) } else { (*result).to_owned() };
        assert_eq!(found, [expected], "result of {name}");
    }
}

#[test]
fn every_new_function_has_the_arguments_that_applications_expect() {
    let mut floor = Floor::new();
    for (name, arguments) in NEW {
        let found: Vec<String> = floor.value(&format!(
            "select proargnames[1:pronargs] from pg_proc where pronamespace = '{SCHEMA}'::regnamespace and proname = '{name}'"
        ));
        assert_eq!(&found[..arguments.len()], *arguments, "{name}");
    }
    let optional: Vec<(String, i16, i16)> = floor
        .client
        .query(
            "select proname::text, pronargs, pronargdefaults from pg_proc where pronamespace = 'public'::regnamespace
                and proname in ('atomic_confirm_and_transition', 'hold_tables') order by 1",
            &[],
        )
        .expect("both exist")
        .iter()
        .map(|row| (row.get(0), row.get(1), row.get(2)))
        .collect();
    for (name, arguments, defaults) in optional {
        let required = if name == "hold_tables" { 2 } else { 3 };
        assert_eq!(arguments - defaults, required, "{name} can be called with its first {required} arguments");
    }
}

#[test]
fn every_wrapper_runs_as_its_owner_with_a_closed_search_path() {
    let mut floor = Floor::new();
    let rows = floor
        .client
        .query(
            "select p.proname::text, p.prosecdef, p.proconfig::text, p.proowner = c.relowner,
                    coalesce(array_to_string(p.proacl, ' '), 'default')
             from pg_proc p join pg_class c on c.oid = 'public.bookings'::regclass
             left join pg_depend d on d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e'
             where p.pronamespace = 'public'::regnamespace and d.objid is null order by 1",
            &[],
        )
        .expect("the wrappers can be listed");
    let names: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let mut expected: Vec<String> =
        CONTRACT.iter().map(|row| row.0).chain(NEW.iter().map(|row| row.0)).map(str::to_owned).collect();
    // What the view holdfast_reconciliation reads.
    expected.push("holdfast_reconciliation_read".to_owned());
    expected.sort();
    assert_eq!(names, expected, "the wrappers of the contract and the new ones, no others");
    for row in rows {
        let (name, definer, owned): (String, bool, bool) = (row.get(0), row.get(1), row.get(3));
        let (config, acl): (Option<String>, String) = (row.get(2), row.get(4));
        // The key of a booking is a calculation: it reads nothing, so it needs nobody's rights. The procedure ends
        // transactions, so it acts with its caller's and can fix no setting.
        let procedure = name == "confirm_with_retry";
        assert_eq!(definer, name != "auto_assign_idempotency_key" && !procedure, "{name} is SECURITY DEFINER");
        let compiled = if name == "holdfast_reconciliation_read" { ",jit=off,work_mem=64MB" } else { "" };
        let pinned = (!procedure).then(|| format!("{{\"search_path=pg_catalog, pg_temp\"{compiled}}}"));
        assert_eq!(config, pinned, "{name}");
        assert!(owned, "{name} belongs to the owner of bookings");
        assert!(
            acl.contains("holdfast_e2e_granted=X/") && !acl.split(' ').any(|item| item.starts_with("=X")),
            "{name}: {acl}"
        );
    }
}
