//! Races of a fence against a confirm, and of the inline attempt against the background's, while sessions are ended and
//! backends are killed: after a granted fence no commit, never both, one effect each. `HOLDFAST_RACES` is the number of races (600 unless told; 100 000 have been run), `HOLDFAST_SEED` repeats a
//! run. Of every 500 races of a killing, one has a backend killed with `kill -9`, and the server recovers.

use std::collections::{BTreeMap, HashMap};
use std::thread;
use std::time::{Duration, Instant};

use holdfast_e2e::{
    Arena, Call, Cluster, Dice, End, Pooler, Prize, Server, Session, Strategy, Turn, assert_invariants, atomic_confirm,
    confirm_hold, fence, native, number, within,
};
use uuid::Uuid;

const RACES_OF_A_KILLING: usize = 500;
const LANES: usize = 8;
const LEVELS: [&str; 3] = ["read committed", "repeatable read", "serializable"];

fn turn(call: Call, commits_of_five: usize, dice: &mut Dice) -> Turn {
    Turn {
        call,
        level: LEVELS[dice.roll(3)],
        commit: dice.roll(5) < commits_of_five,
        pause: Duration::from_micros(dice.roll(2000) as u64),
    }
}

fn confirms(prize: &Prize, dice: &mut Dice) -> Turn {
    let call = match dice.roll(6) {
        0 | 1 => within(prize.booking, prize.holds[0], &prize.key, 4000),
        2 => within(prize.booking, prize.holds[0], &prize.key, 4),
        3 => atomic_confirm(prize.booking, prize.holds[0], &prize.key),
        4 => confirm_hold(prize.holds[0], prize.booking, &prize.key),
        _ => native("confirm_hold")
            .with("p_hold_id", prize.holds[0])
            .with("p_booking_id", prize.booking)
            .with("p_idempotency_key", prize.key.as_str())
            .with("p_target_status", "confirmed"),
    };
    turn(call, 4, dice)
}

fn fences(prize: &Prize, dice: &mut Dice) -> Turn {
    let wait_ms = [0, 20, 3000][dice.roll(3)];
    turn(fence(prize.booking, &prize.key).with("p_wait_ms", wait_ms), 4, dice)
}

fn auto_assign(prize: &Prize, side: usize, dice: &mut Dice) -> Turn {
    let call = Call::new("run_auto_assign")
        .with("p_booking_id", prize.booking)
        .with("p_hold_id", prize.holds[side])
        .with("p_timeout_ms", [4000, 4000, 5][dice.roll(3)])
        .with("p_trigger", ["inline", "background"][side]);
    turn(call, 4, dice)
}

fn inline(prize: &Prize, dice: &mut Dice) -> Turn {
    auto_assign(prize, 0, dice)
}

fn background(prize: &Prize, dice: &mut Dice) -> Turn {
    auto_assign(prize, 1, dice)
}

/// What the database says of a booking when all is quiet.
struct Truth {
    confirmed: bool,
    ledger: Option<String>,
    seats: i64,
    histories: i64,
    answer: String,
}

/// Waits until nobody is at work any more: a session that lost its connection may need a moment to notice.
fn truths(session: &mut Session, prizes: &[Prize]) -> HashMap<Uuid, Truth> {
    let sql = "select b.id, b.status = 'confirmed', l.outcome,
        (select count(*) from public.booking_table_assignments a where a.booking_id = b.id),
        (select count(*) from public.booking_state_history h where h.booking_id = b.id and h.to_status = 'confirmed'),
        (select o.outcome from public.confirm_outcome(b.id, 'key of ' || b.id) o)
      from public.bookings b
      left join public.booking_assignment_idempotency l on l.booking_id = b.id and l.idempotency_key = 'key of ' || b.id
      where b.id = any ($1)";
    let ids: Vec<Uuid> = prizes.iter().map(|prize| prize.booking).collect();
    let give_up = Instant::now() + Duration::from_secs(20);
    loop {
        let rows = session.client.query(sql, &[&ids]).expect("the truth can be read");
        let truths: HashMap<Uuid, Truth> = rows
            .iter()
            .map(|row| {
                let truth = Truth {
                    confirmed: row.get(1),
                    ledger: row.get(2),
                    seats: row.get(3),
                    histories: row.get(4),
                    answer: row.get(5),
                };
                (row.get(0), truth)
            })
            .collect();
        assert_eq!(truths.len(), prizes.len());
        if truths.values().all(|truth| truth.answer != "running") {
            return truths;
        }
        assert!(Instant::now() < give_up, "somebody is still running");
        thread::sleep(Duration::from_millis(20));
    }
}

/// What must hold of every booking, whoever fought for it.
fn judge(prize: &Prize, ends: &[End; 2], truth: &Truth, seen: &mut BTreeMap<String, usize>) {
    let what = format!("{ends:?}\n{} {:?} {}", truth.confirmed, truth.ledger, truth.answer);
    let ledger = truth.ledger.as_deref();
    assert_eq!(truth.seats, i64::from(truth.confirmed), "{what}");
    assert_eq!(truth.histories, i64::from(truth.confirmed), "one effect: {what}");
    assert_eq!(ledger == Some("confirmed"), truth.confirmed, "{what}");
    let answers: &[&str] = match ledger {
        Some("confirmed") => &["committed"],
        Some("fenced") => &["fenced"],
        Some(_) => &["refused"],
        None => &["never_seen", "timed_out", "refused"],
    };
    assert!(answers.contains(&truth.answer.as_str()), "{what}");
    for (side, end) in ends.iter().enumerate() {
        let words = match end {
            End::Committed(row) => row["outcome"].as_str().unwrap_or("confirmed").to_owned(),
            End::RolledBack(_) => "rolled back".to_owned(),
            End::Refused(code, message) => format!("{code} {}", message.replace(&prize.booking.to_string(), "…")),
            End::Lost => "lost".to_owned(),
        };
        let words: String = words.chars().take(48).collect();
        *seen.entry(format!("{}: {words}", ["one", "other"][side])).or_default() += 1;
    }
    *seen.entry(format!("in the end: {}", truth.answer)).or_default() += 1;
}

/// What a confirm and a fence were told, against what is.
fn judge_fence([confirm, fence]: &[End; 2], truth: &Truth) {
    let what = format!("{confirm:?}\n{fence:?}\n{} {:?} {}", truth.confirmed, truth.ledger, truth.answer);
    match fence.committed() {
        Some("fenced") => assert_eq!(truth.ledger.as_deref(), Some("fenced"), "a granted fence holds: {what}"),
        Some("committed") => assert!(truth.confirmed, "{what}"),
        Some(said) => assert_eq!(said, "running", "{what}"),
        None => {}
    }
    match confirm {
        End::Committed(row) if row["outcome"].as_str().is_none_or(|outcome| outcome == "confirmed") => {
            assert!(truth.confirmed, "an acknowledged confirm is there: {what}");
        }
        End::Committed(_) | End::RolledBack(_) | End::Refused(..) => assert!(!truth.confirmed, "{what}"),
        End::Lost => {}
    }
}

/// What the two automatic attempts were told, against what is: one works, the other skips.
fn judge_auto_assign(ends: &[End; 2], truth: &Truth) {
    let what = format!("{ends:?}\n{} {:?} {}", truth.confirmed, truth.ledger, truth.answer);
    let told: Vec<&str> = ends.iter().filter_map(End::committed).collect();
    let known = [
        "confirmed",
        "skipped_already_confirmed",
        "skipped_in_progress",
        "timeout_before_confirm",
        "serialization_failure",
    ];
    assert!(told.iter().all(|outcome| known.contains(outcome)), "{what}");
    let confirms = told.iter().filter(|outcome| **outcome == "confirmed").count();
    assert!(confirms <= 1, "two effects: {what}");
    assert!(confirms == 0 || truth.confirmed, "an acknowledged confirm is there: {what}");
    let skipped = told.iter().filter(|outcome| outcome.starts_with("skipped")).count();
    assert!(told.len() < 2 || skipped < 2, "nobody worked: {what}");
    assert!(told.len() < 2 || confirms + skipped < 2 || truth.confirmed, "nobody worked: {what}");
}

/// Nobody gets past a fence, later either.
fn knock(session: &mut Session, prizes: &[Prize], truths: &HashMap<Uuid, Truth>) {
    let fenced = prizes.iter().filter(|prize| truths[&prize.booking].answer == "fenced");
    for prize in fenced.step_by(10) {
        assert_eq!(session.outcome(&within(prize.booking, prize.holds[0], &prize.key, 4000))["outcome"], "fenced");
        let refusal = session.refused(&atomic_confirm(prize.booking, prize.holds[1], &prize.key));
        assert_eq!(refusal.code("HF610").sqlstate, "P0003");
    }
}

/// Who fights whom, and how it is judged.
struct Duel {
    sides: [&'static Strategy; 2],
    judge: fn(&[End; 2], &Truth),
    /// What must have been seen in the end.
    must: &'static [&'static str],
}

const FENCE: Duel = Duel {
    sides: [&confirms, &fences],
    judge: judge_fence,
    must: &["in the end: committed", "in the end: fenced", "other: running", "kill -9"],
};
const AUTO_ASSIGN: Duel = Duel {
    sides: [&inline, &background],
    judge: judge_auto_assign,
    must: &["in the end: committed", "one: confirmed", "other: confirmed", "other: skipped_in_progress", "kill -9"],
};

/// Killings: many races, in the middle of which one backend is killed.
fn races(cluster: &Cluster, entrance: &Server, duel: &Duel, seed: u64, count: usize) -> BTreeMap<String, usize> {
    let mut session = cluster.install("duels");
    // The invariants look for the events of each booking.
    session.run("create index on public.capacity_outbox (booking_id)");
    let room = session.room(40);
    drop(session);
    let mut dice = Dice::new(seed);
    let mut seen = BTreeMap::new();
    let mut done = 0;
    while done < count {
        let mut arena = Arena::new(&cluster.server, "duels", seed.wrapping_add(done as u64));
        arena.entrance = entrance.clone();
        let prizes = arena.connect("judge").prizes(&room, done, RACES_OF_A_KILLING.min(count - done));
        let (mut killed, mut rounds, when) = (false, 0, 1 + dice.roll(12));
        let ends = arena.fight(&prizes, LANES, duel.sides, |arena| {
            rounds += 1;
            if rounds >= when && !killed {
                killed = arena.victim(&mut dice).is_some_and(|pid| {
                    cluster.kill_one(pid);
                    true
                });
                *seen.entry("kill -9".to_owned()).or_default() += usize::from(killed);
            } else if rounds % 4 == 0 {
                *seen.entry("terminated".to_owned()).or_default() += usize::from(arena.terminate_one(&mut dice));
            }
        });
        let mut session = arena.connect("judge");
        let truths = truths(&mut session, &prizes);
        for prize in &prizes {
            judge(prize, &ends[&prize.booking], &truths[&prize.booking], &mut seen);
            (duel.judge)(&ends[&prize.booking], &truths[&prize.booking]);
        }
        knock(&mut session, &prizes, &truths);
        done += prizes.len();
    }
    seen
}

fn fight(cluster: &Cluster, duel: &Duel, name: &str) {
    fight_by(cluster, &cluster.server, duel, name);
}

fn fight_by(cluster: &Cluster, entrance: &Server, duel: &Duel, name: &str) {
    let (seed, count) = (number("HOLDFAST_SEED", 20_270_501) as u64, number("HOLDFAST_RACES", 600) / 2);
    println!("{name}: HOLDFAST_SEED={seed} HOLDFAST_RACES={}", count * 2);
    let began = Instant::now();
    let seen = races(cluster, entrance, duel, seed, count);
    println!("{name}: {count} races in {:?}\n{seen:#?}", began.elapsed());
    for must in duel.must {
        assert!(seen.get(*must).is_some_and(|number| *number > 0), "never seen: {must}");
    }
    assert_eq!(seen["kill -9"], count.div_ceil(RACES_OF_A_KILLING), "each killing had its victim");
    let mut session = Session::new(cluster.connect("duels"));
    session.run("set statement_timeout = 0; analyze");
    assert_invariants(&mut session);
}

#[test]
fn a_fence_and_a_confirm_never_both_win() {
    fight(&Cluster::start_preloaded(), &FENCE, "fence, preloaded");
}

#[test]
fn nor_without_preloading() {
    fight(&Cluster::start(), &FENCE, "fence, not preloaded");
}

#[test]
fn inline_and_background_have_one_effect() {
    fight(&Cluster::start_preloaded(), &AUTO_ASSIGN, "automatic, preloaded");
}

#[test]
fn and_without_preloading() {
    fight(&Cluster::start(), &AUTO_ASSIGN, "automatic, not preloaded");
}

#[test]
fn nor_through_a_pooler() {
    let cluster = Cluster::start_preloaded();
    fight_by(&cluster, &Pooler::before(&cluster.server).server, &FENCE, "fence, pooled");
}

#[test]
fn and_through_a_pooler() {
    let cluster = Cluster::start_preloaded();
    fight_by(&cluster, &Pooler::before(&cluster.server).server, &AUTO_ASSIGN, "automatic, pooled");
}
