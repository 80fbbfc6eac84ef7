//! The page for the DBA: its commands, run as they stand there.

use std::process::Command;

use holdfast_e2e::foreign::{Foreign, MINIMAL, OLD};
use holdfast_e2e::{GRANTED, confirm};

const PAGE: &str = include_str!("../../../../docs/adopt.md");

/// The commands below a heading, with the application's role in the place of the page's.
fn commands(heading: &str) -> String {
    let below = &PAGE[PAGE.find(heading).expect("the heading")..];
    let block = below.split("```sh\n").nth(1).and_then(|rest| rest.split("```").next()).expect("commands");
    block.replace("service_role", GRANTED)
}

fn shell(foreign: &Foreign, folder: &std::path::Path, script: &str) -> String {
    let server = foreign.server();
    let path = format!("{}:{}", server.programs.display(), std::env::var("PATH").unwrap_or_default());
    let mut command = Command::new("bash");
    command.args(["-euo", "pipefail", "-c", script]).current_dir(folder);
    command.env("PATH", path).env("PGHOST", &server.host).env("PGPORT", server.port.to_string());
    command
        .env("PGUSER", &server.user)
        .env("PGDATABASE", &foreign.name)
        .env("PGOPTIONS", "-c client_min_messages=warning");
    let output = command.output().expect("bash");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{script}\n{out}\n{err}");
    out.into_owned()
}

#[test]
fn adopted_in_ten_minutes_and_back() {
    for application in [&OLD, &MINIMAL] {
        let mut foreign = application.install();
        let folder = std::env::temp_dir().join(&foreign.name);
        std::fs::create_dir_all(&folder).expect("a folder");
        let said = shell(&foreign, &folder, &commands("**Adopt in ten minutes.**"));
        assert!(said.trim_end().ends_with("(0 rows)"), "doctor is content: {said}");
        let share: Vec<i32> = foreign.column("select percentage from holdfast_rollout");
        assert_eq!(share, if application.name == OLD.name { vec![5] } else { vec![] });
        // Five in a hundred: this booking shall be one of them.
        foreign.run("update holdfast_rollout set percentage = 100");
        let room = foreign.room(1);
        let booking = foreign.booking(room.restaurant);
        let mut service = foreign.session_as(GRANTED);
        assert_eq!(service.done(&confirm(booking, &room.tables, "key")).len(), 1, "{}", application.name);
        shell(&foreign, &folder, "psql -X -f back.sql && psql -X -f back.sql");
        let ours = "select count(*) from pg_proc where pronamespace = 'public'::regnamespace and (probin like '%holdfast%' or proname like '%\\_original') or pronamespace = to_regnamespace('public_legacy')";
        assert_eq!(foreign.value::<i64>(ours), 0, "{}", application.name);
        std::fs::remove_dir_all(&folder).expect("the folder");
    }
}
