//! A service evening on a real PostgreSQL: sessions hold and confirm tables while some of them are killed, and then
//! plain SQL looks for double bookings and orphans. Exit code: 0 all well, 1 a check failed, 2 the demo could not run
//! or a check did not notice the fault that --break planted for it.

mod calls;
mod chart;
mod check;
mod dice;
mod evening;
mod floor;
mod guest;
mod ink;
mod journal;
mod progress;
mod record;
mod report;
mod server;
mod stories;
mod turns;

use evening::{Evening, Story};
use guest::{House, Session};
use ink::{Ink, Tone};
use journal::Journal;
use progress::{Board, say};
use server::{Opening, Server};
use std::process::ExitCode;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

const SESSIONS: usize = 16;
const SEED: u64 = 1900;
const USAGE: &str = "usage: holdfast-demo [--seed NUMBER] [--break]
  --seed NUMBER  another evening; the same number plans the same one
  --break        plant a fault for every check before asking, to see that it can fail
The server is the one that PGHOST, PGPORT, PGUSER and PGDATABASE name. The database holdfast_demo on it is replaced.";

struct Options {
    seed: u64,
    break_it: bool,
}

fn main() -> ExitCode {
    let ink = Ink::of_stdout();
    let outcome = options().and_then(|options| options.map_or(Ok(true), |options| run(ink, &options)));
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(reason) => {
            eprintln!("holdfast-demo: {reason}");
            ExitCode::from(2)
        }
    }
}

/// None: only the usage was asked for.
fn options() -> Result<Option<Options>, String> {
    let mut options = Options { seed: SEED, break_it: false };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--break" => options.break_it = true,
            "--seed" => {
                let seed = arguments.next().and_then(|seed| seed.parse().ok());
                options.seed = seed.ok_or(format!("--seed needs a number\n{USAGE}"))?;
            }
            "--help" | "-h" => {
                println!("{USAGE}");
                return Ok(None);
            }
            other => return Err(format!("unknown option {other}\n{USAGE}")),
        }
    }
    Ok(Some(options))
}

fn run(ink: Ink, options: &Options) -> Result<bool, String> {
    let evening = Evening::plan(options.seed);
    let server = Server::from_environment()?;
    say(ink, &format!("Setting up database {} with the extension and its reference schema ...", server::DATABASE));
    let mut owner = server.create_database()?;
    let opening = server::load(&mut owner, &evening)?;
    print!("{}", introduction(ink, &evening, &opening));

    let (journal, took) = serve(ink, &server, &evening, &opening)?;
    record::write(&mut owner, &journal)
        .map_err(|error| format!("writing the journals: {}", server::explain(&error)))?;
    if options.break_it {
        say(ink, "Planting a fault for every check (--break) ...");
        check::plant_all(&mut owner)?;
    }
    let reading = |error: postgres::Error| format!("reading the floor: {}", server::explain(&error));
    let stays = record::stays(&mut owner).map_err(reading)?;
    let catalogue = record::outcomes(&mut owner).map_err(reading)?;
    println!("\n{}", report::outcomes(ink, &catalogue, &journal));
    println!("{}", report::tales(ink, &journal));
    println!("{}", report::speed(ink, SESSIONS, &journal.latencies, took));
    println!("{}{}", ink.heading("The floor"), chart::draw(ink, &record::rows(&evening), &stays));

    let findings = check::ask_all(&mut owner)?;
    print!("{}{}", report::findings(ink, &findings), report::verdict(ink, &findings));
    if options.break_it {
        print!("{}", report::breakage(ink, &findings)?);
    }
    say(
        ink,
        &format!("To look around: \\c {} in psql; what the guests were told is in schema evening.", server::DATABASE),
    );
    Ok(findings.iter().all(check::Finding::holds))
}

fn introduction(ink: Ink, evening: &Evening, opening: &Opening) -> String {
    let floor = &evening.floor;
    let title = format!("holdfast: an evening at {}", server::RESTAURANT);
    format!(
        "\n{} {}, 17:00 to 23:00 {}, on PostgreSQL {}\n {} tables in {} zones, {} seats; {} bookings for 1 to 10 guests\n \
         {SESSIONS} sessions as role {}, which may call the functions and read no table; seed {}\n\n",
        ink.heading(&title),
        opening.date.format("%A %-d %B %Y"),
        server::TIME_ZONE,
        opening.version,
        floor.tables.len(),
        floor.zones.len(),
        floor.seats(),
        evening.bookings.len(),
        server::ROLE,
        evening.seed
    )
}

/// The evening itself: first the queue, by all sessions; then those who come too late.
fn serve(ink: Ink, server: &Server, evening: &Evening, opening: &Opening) -> Result<(Journal, Duration), String> {
    let heirs = evening.bookings.iter().filter(|booking| matches!(booking.story, Story::Cancel { .. })).count();
    let house = House {
        evening,
        server,
        keys: &opening.keys,
        turns: turns::Turns::new(&evening.queue),
        board: Board::new(evening.queue.len() + heirs),
        bouncer: Mutex::new(server.owner()?),
        dawdlers: Mutex::new(Vec::new()),
    };
    let sessions = (0..SESSIONS).map(|_| Session::open(&house)).collect::<Result<Vec<_>, _>>()?;
    let started = Instant::now();
    let (journals, took) = thread::scope(|scope| {
        scope.spawn(|| house.board.show(ink));
        let working: Vec<_> = sessions.into_iter().map(|session| scope.spawn(|| session.serve_all())).collect();
        let journals: Vec<_> = working.into_iter().map(thread::ScopedJoinHandle::join).collect();
        let took = started.elapsed();
        house.board.close();
        (journals, took)
    });
    let mut journal = Journal::default();
    for served in journals {
        journal.merge(served.map_err(|_| "a session panicked".to_string())??);
    }
    let mut late = Session::open(&house)?;
    for dawdler in house.dawdlers.lock().map_err(|_| "a session panicked".to_string())?.iter() {
        late.dawdled(dawdler);
    }
    journal.merge(Journal { latencies: journal::Latencies::default(), ..late.journal });
    println!("{}", ink.paint(Tone::Bold, &report::closing(&journal, evening.bookings.len())));
    Ok((journal, took))
}
