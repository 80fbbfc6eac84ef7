//! Who does the work, and in which statements.

use serde::{Deserialize, Serialize};

use super::cell::{Cell, Work};
use super::script::{Script, scripts};

const FLOOR: &str = include_str!("../../rivals/floor.sql");
const FLOOR_HOLD: &str = include_str!("../../rivals/floor_hold.sql");
const APP: &str = include_str!("../../rivals/app.sql");

/// What makes the rivals' functions, in order.
pub const FUNCTIONS: [&str; 7] = [
    include_str!("../../rivals/best.sql"),
    include_str!("../../rivals/best_look.sql"),
    include_str!("../../rivals/best_confirm.sql"),
    include_str!("../../rivals/best_hold.sql"),
    include_str!("../../rivals/select.sql"),
    include_str!("../../rivals/classic.sql"),
    include_str!("../../rivals/classic_confirm.sql"),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Rival {
    Holdfast,
    /// One prepared statement that writes the same rows and checks nothing.
    Floor,
    /// Set-based PL/pgSQL with the same checks and answers.
    Best,
    /// PL/pgSQL in the style of the functions that holdfast replaced.
    Classic,
    /// The same steps, one statement after another.
    App,
    /// The ledger's row by its key, as a prepared statement.
    Select,
    /// The same in a function such as every call goes through.
    Wrapped,
    /// holdfast's replay, for what is compared with it.
    Replay,
    /// holdfast, with each session in a restaurant of its own.
    Disjoint,
    /// holdfast, each call of a batch in a transaction of its own.
    Single,
    /// holdfast, all calls of a batch in one transaction.
    Together,
    /// holdfast, in a database of the smaller size.
    Small,
    /// The application's own functions.
    Own,
}

const BY_TABLES: &str = "select * from public.confirm_hold_assignment_with_transition(
  p_booking_id => :booking, p_table_ids => :tables, p_idempotency_key => :key)";
const BY_HOLD: &str = "select * from public.confirm_hold_assignment_tx(
  p_hold_id => :hold, p_booking_id => :booking, p_idempotency_key => :key, p_target_status => 'confirmed')";

impl Rival {
    /// What it is called in the report.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Rival::Holdfast => "holdfast",
            Rival::Floor => "floor",
            Rival::Best => "best",
            Rival::Classic => "classic",
            Rival::App => "app",
            Rival::Select => "select",
            Rival::Wrapped => "select in a function",
            Rival::Replay => "a replay",
            Rival::Disjoint => "a restaurant each",
            Rival::Single => "single calls",
            Rival::Together => "single calls in one transaction",
            Rival::Small => "100 thousand bookings",
            Rival::Own => "its own functions",
        }
    }

    /// Does the client see to it that its statements are planned once? The server would plan some of those with arrays at
    /// each call. Functions do as they say themselves.
    #[must_use]
    pub fn plans_once(self) -> bool {
        matches!(self, Rival::Floor | Rival::App | Rival::Select)
    }

    /// The statements of one call.
    #[must_use]
    pub fn statements(self, cell: &Cell) -> Vec<Script> {
        let mut parts = Vec::new();
        parts.extend(cell.by_hold.then_some("hold"));
        parts.extend((cell.tables > 1).then_some("group"));
        let one = |text: &str| vec![Script::new(text)];
        let confirm = one(if cell.by_hold { BY_HOLD } else { BY_TABLES });
        let hold_first = |hold: Vec<Script>, confirm: Vec<Script>| {
            if cell.work == Work::Hold { [hold, confirm].concat() } else { confirm }
        };
        match self {
            Rival::Holdfast => hold_first(
                one("select hold_id from public.hold_tables(p_booking_id => :booking, p_table_ids => :tables)"),
                confirm,
            ),
            Rival::Floor => hold_first(scripts(FLOOR_HOLD, &parts), scripts(FLOOR, &parts)),
            Rival::Best => hold_first(one("select hold_id from rival.best_hold(:booking, :tables)"), one(best(cell))),
            Rival::Classic => one(classic(cell)),
            Rival::App => scripts(APP, &parts),
            Rival::Select => one(
                "select * from public.booking_assignment_idempotency where booking_id = :booking and idempotency_key = :key",
            ),
            Rival::Wrapped => one("select * from rival.ledger_entry(:booking, :key)"),
            // Its own functions have the same names, in a database where nothing took their place.
            Rival::Replay | Rival::Disjoint | Rival::Single | Rival::Together | Rival::Small | Rival::Own => confirm,
        }
    }
}

fn best(cell: &Cell) -> &'static str {
    if cell.by_hold {
        "select * from rival.best_confirm(:booking, :hold, null, :key, p_history_reason => :reason)"
    } else {
        "select * from rival.best_confirm(:booking, null, :tables, :key, p_history_reason => :reason)"
    }
}

fn classic(cell: &Cell) -> &'static str {
    if cell.by_hold {
        "select * from rival.classic_confirm(:booking, :hold, null, :key, :reason)"
    } else {
        "select * from rival.classic_confirm(:booking, null, :tables, :key, :reason)"
    }
}
