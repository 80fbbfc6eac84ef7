//! Several calls in one transaction, from any state, beside whatever else a transaction does.

use std::collections::BTreeMap;

use holdfast_e2e::{Dice, Floor, number};

use super::left::INDEXED;
use super::world::{World, one};
use super::{Pair, Step, Within, random, step};

/// Whose triggers note what they see.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Triggers {
    None,
    OfRows,
    OfStatements,
}

const FOR_EACH_TABLE: &str = "do $$ declare t text; o text; begin
  foreach t in array array['bookings', 'booking_table_assignments', 'allocations', 'booking_assignment_idempotency',
    'booking_confirmation_results', 'booking_state_history', 'capacity_outbox', 'table_holds', 'table_hold_members', 'table_inventory',
    'booking_slots', 'holdfast_ended_holds'] loop
    %
  end loop; end $$";

const OF_ROWS: &str = "
    execute format('create trigger a_before before insert or update or delete on public.%I for each row execute function both_paths.note()', t);
    execute format('create trigger b_after after insert or update or delete on public.%I for each row execute function both_paths.note()', t);
    execute format('create constraint trigger c_deferred after insert or update or delete on public.%I deferrable initially deferred
      for each row execute function both_paths.note()', t);";

const OF_STATEMENTS: &str = "
    execute format('create trigger a_before before insert or update or delete on public.%I for each statement execute function both_paths.note()', t);
    foreach o in array array['insert', 'update', 'delete'] loop
      execute format('create trigger b_after_%2$s after %2$s on public.%1$I referencing %3$s for each statement
        execute function both_paths.note_all()', t, o, case o when 'insert' then 'new table as rows' when 'delete' then 'old table as rows'
        else 'new table as rows old table as were' end);
    end loop;";

const NOTE_ALL: &str = "create function both_paths.note_all() returns trigger language plpgsql as $$
  begin
    insert into both_paths.noted (trigger, of_table, op, new, depth)
      select tg_name, tg_table_name, tg_op, jsonb_build_object('replaced', jsonb_agg(to_jsonb(r))), pg_trigger_depth() from rows r;
    return null;
  end $$;";

/// What an application writes itself between calls; $b is a booking, $t a table, $h a hold.
const BESIDE: [&str; 16] = [
    "update public.bookings set status = 'cancelled' where id = '$b'",
    "update public.bookings set status = 'pending', checked_in_at = null, checked_out_at = null where id = '$b'",
    "update public.bookings set party_size = 9 where id = '$b'",
    "update public.bookings set start_at = start_at + interval '1 hour', end_at = end_at + interval '1 hour' where id = '$b'",
    "delete from public.bookings where id = '$b'",
    "update public.table_inventory set active = not active where id = '$t'",
    "update public.table_inventory set status = 'out_of_service' where id = '$t'",
    "update public.table_inventory set zone_id = null where id = '$t'",
    "delete from public.booking_table_assignments where booking_id = '$b'",
    "delete from public.allocations where booking_id = '$b'",
    "insert into public.allocations (restaurant_id, resource_type, resource_id, \"window\", is_maintenance)
       select restaurant_id, 'table', id, '[2027-05-01 18:00Z, 2027-05-01 19:30Z)', true from public.table_inventory where id = '$t'",
    "delete from public.booking_assignment_idempotency where booking_id = '$b'",
    "delete from public.table_hold_members where table_id = '$t'",
    "update public.table_holds set expires_at = '2026-01-01Z' where booking_id = '$b'",
    "delete from public.table_holds where booking_id = '$b'",
    "delete from public.table_adjacencies where table_a = '$t'",
];

/// What an owner does to the schema.
const ALTERED: [&str; 17] = [
    "alter table public.allocations add column more integer default 7",
    "alter table public.bookings drop column customer_id",
    "alter table public.booking_state_history add column more text not null default 'x'",
    "create index on public.booking_table_assignments (assigned_by)",
    "drop index public.booking_table_assignments_allocation_idx",
    "alter table public.capacity_outbox alter column payload set storage external",
    "alter table public.bookings add check (party_size < 9)",
    "alter table public.booking_assignment_idempotency alter column request set not null",
    "set constraints all deferred",
    "alter table public.table_holds disable trigger all",
    "alter table public.booking_table_assignments drop constraint booking_table_assignments_booking_id_fkey",
    "set local session_replication_role = replica",
    "create trigger raises before insert on public.booking_table_assignments for each row execute function both_paths.raises('$b')",
    "create trigger raises after insert on public.booking_assignment_idempotency for each row execute function both_paths.raises('$b')",
    "create trigger raises before update on public.table_holds for each row execute function both_paths.raises('$b')",
    "create trigger raises after insert on public.capacity_outbox for each row execute function both_paths.raises('$b')",
    "create constraint trigger raises after insert on public.allocations deferrable initially deferred for each row
       execute function both_paths.raises('$b')",
];

fn steps(world: &World, dice: &mut Dice) -> Vec<Step> {
    let mut steps = Vec::new();
    for _ in 0..1 + dice.roll(5) {
        let beside = dice.roll(100);
        let sql = match beside {
            0..=14 => one(dice, &BESIDE),
            15..=20 => one(dice, &ALTERED),
            _ => "",
        };
        let sql = if sql.is_empty() { random::call(world, dice) } else { placed(sql, world, dice) };
        let within = match dice.roll(10) {
            0..=1 => Within::Transaction,
            2..=3 => Within::RolledBack,
            _ => Within::Savepoint,
        };
        steps.push(Step { sql, within });
    }
    steps
}

fn placed(sql: &str, world: &World, dice: &mut Dice) -> String {
    sql.replace("$b", &one(dice, &world.bookings).to_string()).replace("$t", &one(dice, &world.tables).to_string())
}

/// The name of what a step calls.
fn name(step: &Step) -> &str {
    step.sql
        .split(" from ")
        .nth(1)
        .and_then(|rest| rest.split('(').next())
        .filter(|_| step.sql.contains(" as answer"))
        .unwrap_or("beside")
}

/// Dice that neighbours do not resemble.
fn thrown(seed: usize, number: usize) -> Dice {
    let mut first = Dice::new((seed + number) as u64);
    for _ in 0..20 {
        first.roll(2);
    }
    Dice::new(first.roll(1 << 31) as u64)
}

/// Seeded: `HOLDFAST_CASES` transactions.
fn alike(triggers: Triggers, cases: usize) {
    let seed = number("HOLDFAST_SEED", 20_261_128) + 1_000_000 * triggers as usize;
    let mut pair = Pair::new(Floor::new());
    match triggers {
        Triggers::None => {}
        Triggers::OfRows => pair.floor.run(&FOR_EACH_TABLE.replacen('%', OF_ROWS, 1)),
        Triggers::OfStatements => {
            pair.floor.run(&format!("{NOTE_ALL}{}", FOR_EACH_TABLE.replacen('%', OF_STATEMENTS, 1)))
        }
    }
    let (mut done, mut asked, mut wrong) = (0, BTreeMap::<String, usize>::new(), Vec::new());
    let mut world = None;
    for case in 0..cases {
        // A state serves some cases; its number and that of the case are all that is needed to have it again.
        let state = case / 60;
        let mut dice = thrown(seed, 2 * state);
        if case % 60 == 0 {
            world = Some(World::new(&mut pair.floor, &mut dice));
            pair.settle_for_many();
        }
        let world = world.as_ref().expect("made at the first case");
        let mut dice = thrown(seed, 2 * case + 1);
        let mut steps = steps(world, &mut dice);
        if case % 10 == 0 {
            steps.push(step(INDEXED));
        }
        let level = one(
            &mut dice,
            &["", "", "", "", "", "", "", "isolation level repeatable read", "isolation level serializable"],
        );
        // What the server remembers of attempts outlives a rollback: who asks for it is told of the time before.
        if steps.iter().any(|step| step.sql.contains("confirm_outcome(")) {
            pair.differences("sql", level, &steps);
        }
        let (differences, fine) = pair.differences("auto", level, &steps);
        done += fine;
        for step in &steps {
            *asked.entry(name(step).to_owned()).or_default() += 1;
        }
        if !differences.is_empty() {
            wrong.push(format!("case {case} {level} {steps:#?}\n{}", differences.join("\n")));
        }
        if wrong.len() > 4 {
            break;
        }
    }
    let total: usize = asked.values().sum();
    eprintln!("{triggers:?}, seed {seed}: {cases} cases, {done} of {total} steps were not refused: {asked:?}");
    assert!(wrong.is_empty(), "{triggers:?}, seed {seed}: {}", wrong.join("\n\n"));
    assert!(done * 4 > total, "too little comes about to compare: {done} of {total}");
}

#[test]
fn transactions_leave_the_same_rows() {
    alike(Triggers::None, number("HOLDFAST_CASES", 180));
}

#[test]
fn triggers_of_rows_see_the_same() {
    alike(Triggers::OfRows, number("HOLDFAST_CASES", 90));
}

#[test]
fn triggers_of_statements_see_the_same() {
    alike(Triggers::OfStatements, number("HOLDFAST_CASES", 30));
}
