//! Applications whose labels and columns are not the contract's: they are attached as they are, and get back what was
//! changed for it.

use holdfast_e2e::foreign::{Foreign, MINIMAL, OLD};
use holdfast_e2e::{Call, GRANTED, confirm, unassign};

use crate::adopt::attach::{booking, catalogue, table};

fn with_labels(labels: &[(&str, &str)]) -> Foreign {
    let mut minimal = MINIMAL.install();
    for (old, new) in labels {
        minimal.run(&format!("alter type booking_status rename value '{old}' to '{new}'"));
    }
    minimal
}

fn status(foreign: &mut Foreign, number: u128) -> String {
    foreign.get("bookings", booking(number), "status").unwrap_or_default()
}

#[test]
fn labels_in_another_case_need_nobody_to_explain_them() {
    let mut minimal = with_labels(&[("confirmed", "CONFIRMED"), ("pending", "Pending"), ("checked_in", "Checked-In")]);
    let before = catalogue(&mut minimal, "public");
    minimal.adopt();
    let mut service = minimal.session_as(GRANTED);
    assert_eq!(service.done(&confirm(booking(5), &[table(1)], "key")).len(), 1);
    assert_eq!(status(&mut minimal, 5), "CONFIRMED");
    let hold = Call::new("hold_tables").with("p_booking_id", booking(6)).with("p_table_ids", vec![table(2)]);
    service.done(&hold);
    let automatic = Call::new("run_auto_assign").with("p_booking_id", booking(6)).with("p_hold_id", None::<uuid::Uuid>);
    assert_eq!(service.done(&automatic)[0]["outcome"], "confirmed");
    assert_eq!(status(&mut minimal, 6), "CONFIRMED");
    assert_eq!(service.done(&automatic)[0]["outcome"], "skipped_already_confirmed");
    let moves =
        "select count(*) from holdfast_status_transitions where from_status = 'CONFIRMED' and to_status = 'Checked-In'";
    assert_eq!(minimal.value::<i64>(moves), 1);
    minimal.run("select holdfast.detach('public', false)");
    let after = catalogue(&mut minimal, "public");
    for (what, definition) in &before {
        assert_eq!(after.get(what), Some(definition), "{what}");
    }
}

#[test]
fn labels_that_nobody_explained_are_refused_until_somebody_does() {
    let mut minimal = with_labels(&[("confirmed", "agreed"), ("pending", "asked")]);
    minimal.run("create extension holdfast cascade");
    let refusal = minimal.try_run("select holdfast.attach('public')").expect_err("which one is a confirm's?");
    refusal.says("55000", "Schema public cannot be attached");
    assert!(refusal.detail.as_deref().is_some_and(|detail| detail.contains("is_confirm_target")), "{refusal:?}");
    let mend: String = minimal.value("select mend from holdfast.doctor('public') where what = 'target of a confirm'");
    minimal.run(&mend);
    minimal.run(
        "insert into holdfast_booking_statuses (status, is_confirm_target, holds_tables)
         values ('agreed', true, true), ('asked', false, true);
         insert into holdfast_status_transitions values ('asked', 'agreed')",
    );
    minimal.adopt();
    let mut service = minimal.session_as(GRANTED);
    assert_eq!(service.done(&confirm(booking(5), &[table(1)], "key")).len(), 1);
    assert_eq!(status(&mut minimal, 5), "agreed");
    // Attached again, the rules decide.
    minimal.adopt();
    assert_eq!(service.done(&confirm(booking(6), &[table(2)], "key")).len(), 1);
    assert_eq!(status(&mut minimal, 6), "agreed");
}

/// Attach takes a NOT NULL away that its calls would break, and gives a default that they lean on.
#[test]
fn what_attach_changed_of_a_column_is_changed_back() {
    let mut minimal = MINIMAL.install();
    minimal.run(
        "update booking_table_assignments set assigned_by = gen_random_uuid(), merge_group_id = gen_random_uuid();
         alter table booking_table_assignments alter column assigned_by set not null,
           alter column merge_group_id set not null, alter column id drop default;
         alter table allocations alter column shadow drop default",
    );
    let before = catalogue(&mut minimal, "public");
    minimal.adopt();
    let (changed, during) = ("column booking_table_assignments.assigned_by", catalogue(&mut minimal, "public"));
    assert_ne!(during.get(changed), before.get(changed));
    assert_eq!(minimal.done(&confirm(booking(5), &[table(1)], "key")).len(), 1);
    assert_eq!(minimal.done(&unassign(booking(5))).len(), 1);
    minimal.run("select holdfast.detach('public', false)");
    let mut after = catalogue(&mut minimal, "public");
    after.retain(|what, _| before.contains_key(what));
    assert_eq!(after, before);

    // Rows without a value keep it from coming back, and nothing else from going.
    minimal.adopt();
    assert_eq!(minimal.done(&confirm(booking(5), &[table(1)], "again")).len(), 1);
    minimal.run("select holdfast.detach('public', false)");
    let after = catalogue(&mut minimal, "public");
    let different: Vec<&String> =
        before.iter().filter(|(what, is)| after.get(*what) != Some(*is)).map(|(what, _)| what).collect();
    assert_eq!(different, [changed, "column booking_table_assignments.merge_group_id"]);
}

/// What attach created is looked for as well.
#[test]
fn a_table_of_ours_that_is_gone_is_noticed() {
    let mut minimal = MINIMAL.install();
    minimal.adopt();
    let amiss = "select what from holdfast.doctor('public') where state in ('missing', 'wrong')";
    assert_eq!(minimal.column::<String>(amiss), [""; 0]);
    minimal.run("drop table holdfast_commit_scan, holdfast_reconciliation_policies cascade");
    assert_eq!(
        minimal.column::<String>(amiss),
        ["table holdfast_reconciliation_policies", "table holdfast_commit_scan"]
    );
    minimal.adopt();
    assert_eq!(minimal.column::<String>(amiss), [""; 0]);
}

/// Not only that it is there: a column of ours that another hand changed is named, mended by attach, or refused.
#[test]
fn a_column_of_ours_that_is_another_one_is_noticed() {
    let mut minimal = MINIMAL.install();
    minimal.adopt();
    minimal.run(
        "alter table holdfast_pruned alter column until drop not null;
         alter table holdfast_hold_policy alter column mirrors drop default;
         alter table holdfast_attempts drop column phase;
         alter table holdfast_attempts alter column hold_id set not null;
         alter table holdfast_quarantine alter column failures type bigint",
    );
    let amiss = "select what from holdfast.doctor('public') where state in ('missing', 'wrong') order by what";
    let mended = [
        "column holdfast_attempts.hold_id",
        "column holdfast_attempts.phase",
        "column holdfast_hold_policy.mirrors",
        "column holdfast_pruned.until",
    ];
    let mut all = mended.to_vec();
    all.push("column holdfast_quarantine.failures");
    assert_eq!(minimal.column::<String>(amiss), all);
    let before = catalogue(&mut minimal, "public");
    let refusal = minimal.try_run("select holdfast.attach('public')").expect_err("what is in it is the owner's");
    refusal.says("55000", "Schema public cannot be attached");
    let detail = refusal.detail.clone().unwrap_or_default();
    assert_eq!(
        detail,
        "column holdfast_quarantine.failures: it is bigint, and attach makes it integer: what is in it is the owner's to convert"
    );
    assert_eq!(catalogue(&mut minimal, "public"), before, "nothing was changed");
    minimal.run("alter table holdfast_quarantine alter column failures type integer");
    assert_eq!(minimal.column::<String>(amiss), mended);
    minimal.adopt();
    assert_eq!(minimal.column::<String>(amiss), [""; 0]);
}

/// What an upgrade of the extension leaves to do.
#[test]
fn a_schema_that_another_release_attached_is_told_of() {
    let mut minimal = MINIMAL.install();
    minimal.adopt();
    let told = "select count(*) from holdfast.doctor('public') where what = 'release of the schema'";
    assert_eq!(minimal.value::<i64>(told), 0);
    minimal.run("update holdfast.attachment set version = '0.1.7'");
    minimal.renew();
    assert_eq!(minimal.value::<i64>(told), 1);
    minimal.adopt();
    assert_eq!(minimal.value::<i64>(told), 0);
}

/// Columns that a call could go without are named like the others before they are added.
#[test]
fn columns_that_only_we_use_are_named_before() {
    let mut old = OLD.install();
    old.run("create extension holdfast cascade");
    let dry: String = old.value("select holdfast.migration('public', 'dry_run')");
    let back: String = old.value("select holdfast.migration('public', 'back')");
    for column in ["booking_assignment_idempotency.basis", "capacity_outbox.claimed_by", "capacity_outbox.last_error"] {
        let find =
            format!("select state || ': ' || mend from holdfast.doctor('public') where what = 'column {column}'");
        let (table, name) = column.split_once('.').expect("a table and a column");
        let add = format!("alter table public.{table} add column if not exists {name} ");
        assert!(old.value::<String>(&find).starts_with(&format!("missing: {add}")), "{column}");
        assert!(dry.contains(&add), "{column} in {dry}");
        let stays = format!(
            "it has data by now, and nothing needs it gone: alter table public.{table} drop column if exists {name};"
        );
        assert!(back.contains(&stays), "{column} in {back}");
    }
}

/// Detach says what stays: the columns that attach added.
#[test]
fn columns_that_stay_are_named() {
    let mut minimal = MINIMAL.install();
    let before: Vec<String> = minimal.column(COLUMNS);
    minimal.adopt();
    let added = "select relation || '.' || name from holdfast.addition where kind = 'column' order by 1";
    let recorded: Vec<String> = minimal.column(added);
    assert!(recorded.contains(&"booking_assignment_idempotency.basis".to_owned()), "{recorded:?}");
    let said = minimal.server().psql(&minimal.name, "select holdfast.detach('public', false)", &[]);
    let line = said.err.lines().find(|line| line.contains("columns that attach added")).unwrap_or_default();
    let (_, named) = line.split_once("in them: ").unwrap_or_else(|| panic!("{said:?}"));
    let mut named: Vec<&str> = named.split(", ").collect();
    named.sort_unstable();
    assert_eq!(named, recorded);
    let stayed: Vec<String> = minimal.column(COLUMNS);
    let stayed: Vec<&String> = stayed.iter().filter(|column| !before.contains(column)).collect();
    assert_eq!(stayed.into_iter().map(String::as_str).collect::<Vec<_>>(), named);
}

const COLUMNS: &str = "select c.relname || '.' || a.attname from pg_class c join pg_attribute a on a.attrelid = c.oid
    where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped order by 1";

/// The ledger of many an application refers to allocations, and nothing finds the rows: each delete reads it whole.
#[test]
fn a_foreign_key_that_our_deletes_look_through_gets_its_index() {
    let mut minimal = MINIMAL.install();
    minimal.run(
        "create extension holdfast cascade;
         alter table booking_assignment_idempotency add constraint ledger_merge foreign key (merge_group_allocation_id) references allocations (id)",
    );
    let find = "select coalesce(max(mend), '') from holdfast.doctor('public') where what like '%behind foreign key ledger_merge'";
    let mend: String = minimal.value(find);
    assert!(mend.starts_with("create index concurrently if not exists booking_assignment_idempotency_merge"), "{mend}");
    minimal.run(&mend.replace(" concurrently", ""));
    assert_eq!(minimal.value::<String>(find), "");
}
