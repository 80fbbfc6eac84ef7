//! Is a used database as good as a new one? Copying a database is cheap, but dropping one makes the server write a
//! checkpoint; so one that a test left with its catalogue untouched is emptied and used again.

use crate::Session;

/// The rules as data, which a new database comes with: not emptied.
const RULES: &str = "'holdfast_booking_statuses', 'holdfast_status_transitions', 'holdfast_hold_policy'";

/// Which rows the catalogue and the rules consist of, down to the transactions that wrote them. A copy has the mark of its
/// original.
pub fn mark(session: &mut Session) -> String {
    let ours = |table: &str, owner: &str| {
        format!("select '{table}' as c, {owner}::text || ' ' || xmin::text as v from {table} where {owner} >= 16384")
    };
    let objects =
        ["pg_class", "pg_proc", "pg_type", "pg_trigger", "pg_constraint", "pg_operator", "pg_namespace", "pg_policy"];
    let parts = ["pg_extension", "pg_attrdef", "pg_rewrite", "pg_enum", "pg_opclass"];
    let mut rows: Vec<String> = objects.iter().chain(&parts).map(|table| ours(table, "oid")).collect();
    rows.push(ours("pg_attribute", "attrelid"));
    rows.push(
        "select 'public', xmin::text || coalesce(nspacl::text, '') from pg_namespace where nspname = 'public'".into(),
    );
    rows.push(
        "select 'database', coalesce(datacl::text, '') from pg_database where datname = current_database()".into(),
    );
    rows.push("select 'setting', setconfig::text from pg_db_role_setting where setdatabase <> 0".into());
    for table in ["attachment", "addition", "legacy_function"] {
        rows.push(format!("select '{table}', (to_jsonb(t) - 'attached_at')::text from holdfast.{table} t"));
    }
    rows.push("select 'status', to_jsonb(t)::text from public.holdfast_booking_statuses t".into());
    rows.push("select 'policy', to_jsonb(t)::text from public.holdfast_hold_policy t".into());
    rows.push("select 'move', to_jsonb(t)::text from public.holdfast_status_transitions t".into());
    session.value(&format!(
        "select md5(string_agg(c || v, ',' order by c, v)) from ({}) t (c, v)",
        rows.join(" union all ")
    ))
}

/// Empties every table that a new database has empty.
pub fn empty(session: &mut Session) {
    session.run(&format!(
        "set session_replication_role = replica;
         do $$ declare t regclass; begin
           for t in select oid from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'
             and relname not in ({RULES})
           loop execute 'delete from ' || t; end loop; end $$"
    ));
}
