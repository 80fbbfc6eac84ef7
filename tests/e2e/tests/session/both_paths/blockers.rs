//! Who is in the way of a confirm: anybody near, of any window, in any state.

use super::stage::Stage;

/// Ranges of allocations, beside and within 18:00 to 20:00.
const RANGES: &[&str] = &[
    "[17:00, 18:00)",
    "[17:00, 18:00]",
    "(17:00, 18:00]",
    "(19:00, 20:30)",
    "[20:00, 21:00)",
    "(20:00, 21:00)",
    "[18:30, 18:31)",
    "[17:00, 23:00)",
];

/// What is left of a booking that was, and of one whose party sits.
const STATUSES: &[&str] = &["pending", "confirmed", "checked_in", "completed", "cancelled", "no_show"];

/// A constraint keeps the assignments of a table apart, and no other index finds them.
const APART: &str = "drop index public.booking_table_assignments_table_end_idx;
  alter table public.booking_table_assignments
    add exclude using gist (table_id with =, tstzrange(start_at, end_at, '[)') with &&);";

fn on_the_day(range: &str) -> String {
    let place = |time: &str| format!("2027-05-01 {time}Z");
    let (open, close) = (&range[..1], &range[range.len() - 1..]);
    let (from, until) = range[1..range.len() - 1].split_once(", ").expect("two ends");
    format!("'{open}{}, {}{close}'", place(from), place(until))
}

impl Stage {
    fn allocated(&self, booking: &str, restaurant: &str, window: &str) -> String {
        format!(
            "insert into public.allocations (booking_id, restaurant_id, resource_type, resource_id, \"window\")
             values ({booking}, {restaurant}, 'table', '{}', {window});",
            self.room.tables[3]
        )
    }

    fn of_later(&self, window: &str) -> String {
        self.allocated(&format!("'{}'", self.later), &format!("'{}'", self.room.restaurant), window)
    }

    fn assigned(&self, from: &str, until: &str) -> String {
        format!(
            "insert into public.booking_table_assignments (booking_id, table_id, start_at, end_at)
             values ('{}', '{}', {from}, {until});",
            self.later, self.room.tables[3]
        )
    }

    /// A hold of the fourth table from this time on, and what is done with it.
    fn also_held(&self, booking: &str, from: &str, then: &str) -> String {
        format!(
            "with held as (insert into public.table_holds (booking_id, restaurant_id, start_at, end_at, expires_at)
               values ({booking}, '{}', '2027-05-01 {from}Z', '2027-05-01 21:00Z', '2027-06-01Z') returning id)
             insert into public.table_hold_members (hold_id, table_id) select id, '{}' from held;
             {then};",
            self.room.restaurant, self.room.tables[3]
        )
    }

    /// The other booking has come to this.
    fn became(&self, status: &str) -> String {
        format!(
            "set local session_replication_role = replica;
             update public.bookings set status = '{status}' where id = '{}';
             set local session_replication_role = origin;",
            self.later
        )
    }
}

#[test]
fn whoever_has_an_allocation() {
    let mut stage = Stage::new();
    // The schema's own rule allows half-open windows alone; an application's may not.
    let any =
        "alter table public.allocations drop constraint allocations_window_check, drop constraint allocations_check,
       drop constraint allocations_check2;";
    for range in RANGES {
        stage.same_after(&format!("{any} {}", stage.of_later(&on_the_day(range))));
    }
    for window in ["'empty'", "'[2027-05-01 19:00Z,)'", "'(,2027-05-01 19:00Z)'", "'[2027-05-01 19:00Z, infinity]'"] {
        stage.same_after(&format!("{any} {}", stage.of_later(window)));
    }
    let (here, window) = (format!("'{}'", stage.room.restaurant), on_the_day("[18:00, 20:00)"));
    stage.same_after(&format!("{any} {}", stage.allocated("null", &here, &window)));
    stage.same_after(&format!("{any} {} update public.allocations set shadow = true", stage.of_later(&window)));
    let open = "alter table public.allocations alter column restaurant_id drop not null;";
    stage.same_after(&format!("{any} {open} {}", stage.allocated("null", "null", &window)));
    let away = "insert into public.restaurants (id, timezone) values ('00000000-0000-4000-8000-00000000dead', 'UTC');";
    let at = |window: &str| stage.allocated("null", "'00000000-0000-4000-8000-00000000dead'", &on_the_day(window));
    let (whole, part) = (at("[18:00, 20:00)"), at("[18:00, 18:30)"));
    stage.same_after(&format!("{any} {away} {whole}"));
    stage.same_after(&format!("{any} {away} {part} {}", stage.of_later(&on_the_day("[19:00, 19:30)"))));
    // More than are looked at first, and some that end at the moment itself.
    for times in [["17:00", "18:00", "18:20", "18:40", "19:00"], ["16:00", "17:00", "18:00", "19:00", "21:00"]] {
        let all = times.windows(2).map(|ends| on_the_day(&format!("[{}, {})", ends[0], ends[1])));
        let all: String = all.map(|window| stage.allocated("null", &here, &window)).collect();
        stage.same_after(&format!("{any} {all}"));
    }
}

#[test]
fn whatever_became_of_their_bookings() {
    let mut stage = Stage::new();
    let later = format!("'{}'", stage.later);
    let ways = [
        stage.of_later(&on_the_day("[19:00, 20:30)")),
        stage.assigned("'2027-05-01 19:00Z'", "'2027-05-01 21:00Z'"),
        stage.also_held(&later, "19:00", ""),
    ];
    for status in STATUSES {
        let became = stage.became(status);
        for way in &ways {
            stage.same_after(&format!("{became} {way}"));
        }
        stage.same_after(&format!("{APART} {became} {}", ways[1]));
    }
    let gone = "set local session_replication_role = replica; delete from public.bookings where id =";
    for way in &ways {
        stage.same_after(&format!("{way} {gone} {later}; set local session_replication_role = origin"));
    }
}

/// They came early, or sit past their time, when the asked window has begun.
#[test]
fn whoever_sits_there_now() {
    let mut stage = Stage::new();
    // As the state has these instants, they are the same in what both paths leave.
    let now: String = stage.pair.floor.value("select quote_literal(now()) || '::timestamptz'");
    let past = [format!("{now} - interval '4 hours'"), format!("{now} - interval '2 hours'")];
    stage.pair.floor.run(&format!(
        "update public.bookings set start_at = {now} - interval '1 hour', end_at = {now} + interval '1 hour' where id = '{}';
         update public.bookings set start_at = {}, end_at = {} where id = '{}'",
        stage.fresh, past[0], past[1], stage.later
    ));
    stage.pair.settle();
    let sits = stage.assigned(&past[0], &past[1]);
    for status in STATUSES {
        let became = stage.became(status);
        stage.same_after(&format!("{became} {sits}"));
        stage.same_after(&format!("{APART} {became} {sits}"));
    }
}

#[test]
fn whoever_holds_a_table() {
    let mut stage = Stage::new();
    let later = format!("'{}'", stage.later);
    let all = "update public.table_holds set";
    for then in [
        "",
        &format!("{all} status = 'expired'"),
        &format!("{all} expires_at = now() - interval '1 second'"),
        &format!("{all} expires_at = now() - interval '1 hour'"),
        &format!("{all} start_at = end_at, end_at = start_at where booking_id = {later}"),
        &format!("{all} start_at = end_at where booking_id = {later}"),
    ] {
        let any = "alter table public.table_holds drop constraint table_holds_window_valid;";
        stage.same_after(&format!("{any} {}", stage.also_held(&later, "19:00", then)));
    }
    stage.same_after(&stage.also_held("null", "18:30", ""));
    stage.same_after(&format!("{} {}", stage.also_held("null", "18:30", ""), stage.also_held(&later, "19:00", "")));
    let both = format!("{} {}", stage.of_later(&on_the_day("[18:30, 19:00)")), stage.also_held("null", "18:30", ""));
    stage.same_after(&both);
}
