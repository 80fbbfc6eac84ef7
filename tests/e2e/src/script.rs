//! Scripts for psql, run as a DBA runs them.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::Server;

/// What psql said, and the code that it ended with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Server {
    fn program(&self, name: &str, database: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.programs.join(name));
        command.args(["-h", &self.host, "-p", &self.port.to_string(), "-U", &self.user, "-d", database]);
        command.args(arguments).current_dir("/").stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Feeds a script to psql; `variables` are its `-v`.
    pub fn psql(&self, database: &str, script: &str, variables: &[&str]) -> Said {
        self.psql_in(Path::new("/"), database, script, variables)
    }

    /// The same in a folder, into which a command of psql's would write.
    pub fn psql_in(&self, folder: &Path, database: &str, script: &str, variables: &[&str]) -> Said {
        let mut arguments = vec!["-X", "-f", "-"];
        arguments.extend(variables.iter().flat_map(|variable| ["-v", variable]));
        let mut program = self.program("psql", database, &arguments);
        let mut child = program.current_dir(folder).stdin(Stdio::piped()).spawn().expect("psql");
        let mut input = child.stdin.take().expect("a pipe");
        let text = script.to_owned();
        // psql ends early when a step fails; what it did not read is lost then.
        let writer = std::thread::spawn(move || drop(input.write_all(text.as_bytes())));
        let output = child.wait_with_output().expect("psql ends");
        writer.join().expect("the script was written");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Said { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// Writes a whole database into a file, as pg_dump's format `plain` or `custom` with more `options`, and brings it into
    /// another.
    pub fn copy_by_dump(&self, from: &str, to: &str, format: &str, options: &[&str]) {
        let file = std::env::temp_dir().join(format!("{to}.{format}"));
        let path = file.to_str().expect("a path in UTF-8");
        let ran = |program: &str, database: &str, arguments: &[&str]| {
            let output = self.program(program, database, arguments).output().expect("the program can be started");
            assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
        };
        ran("pg_dump", from, &[&["-F", format, "-f", path], options].concat());
        match format {
            "plain" => ran("psql", to, &["-X", "-q", "-v", "ON_ERROR_STOP=1", "-1", "-f", path]),
            _ => ran("pg_restore", to, &["--exit-on-error", path]),
        }
        std::fs::remove_file(file).expect("the dump");
    }

    /// The definition of everything in a schema, as pg_dump sorts it.
    pub fn dump(&self, database: &str, schema: &str) -> Vec<String> {
        let output = self.program("pg_dump", database, &["-s", "-n", schema]).output().expect("pg_dump");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        // A dump is sealed with a random word.
        let kept = text.lines().filter(|line| !line.starts_with("\\") && !line.starts_with("--") && !line.is_empty());
        kept.map(str::to_owned).collect()
    }
}

/// The lines that only one of two dumps has.
#[must_use]
pub fn differences(before: &[String], after: &[String]) -> Vec<String> {
    let gone = before.iter().filter(|line| !after.contains(line)).map(|line| format!("- {line}"));
    let new = after.iter().filter(|line| !before.contains(line)).map(|line| format!("+ {line}"));
    gone.chain(new).collect()
}
