//! A server of a test's own, for the tests that kill it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use postgres::Client;

use crate::template::{self, GRANTED};
use crate::{Server, Session};

/// A database cluster in a temporary folder, reachable through a socket in that folder.
pub struct Cluster {
    pub server: Server,
    folder: PathBuf,
    /// What the server is started with, beside its address: `-c name=value …`.
    options: String,
}

impl Cluster {
    /// Makes the cluster with the programs of the server under test and starts it, without preloading anything.
    #[must_use]
    pub fn start() -> Cluster {
        Cluster::start_with("")
    }

    /// With holdfast in `shared_preload_libraries` and its worker off.
    #[must_use]
    pub fn start_preloaded() -> Cluster {
        Cluster::start_with("-c shared_preload_libraries=holdfast -c holdfast.worker=off")
    }

    /// With settings of the test's own: `-c name=value …`.
    #[must_use]
    pub fn start_with(options: &str) -> Cluster {
        let mut server = Server::from_environment();
        let made = run(&server, Path::new("mktemp"), &["-d", "-t", "holdfast-e2e-XXXXXX"]);
        let folder = PathBuf::from(made.trim());
        let data = folder.join("data");
        let initdb = server.programs.join("initdb");
        let user = server.user.clone();
        let arguments =
            ["-D", text(&data), "-U", user.as_str(), "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C"];
        run(&server, &initdb, &arguments);
        server.host = text(&folder).to_owned();
        let cluster = Cluster { server, folder, options: options.to_owned() };
        cluster.launch();
        template::make_role(&mut cluster.connect("postgres"), GRANTED);
        cluster
    }

    #[must_use]
    pub fn connect(&self, database: &str) -> Client {
        self.server.connect(database, "cluster")
    }

    /// The same of a server that may be making its memory anew.
    pub fn try_connect(&self, database: &str) -> Result<Client, postgres::Error> {
        self.server.try_connect(database, "cluster")
    }

    /// A session in a new database with extension, reference schema and wrappers.
    #[must_use]
    pub fn install(&self, database: &str) -> Session {
        self.connect("postgres").batch_execute(&format!("create database {database}")).expect("a database");
        let mut client = self.connect(database);
        template::install(&mut client).expect("extension, reference schema and wrappers");
        Session::new(client)
    }

    /// Kills the postmaster and every process of it at once, as a power cut would.
    pub fn kill(&self) {
        let postmaster = self.postmaster();
        let mut client = self.connect("postgres");
        let rows = client.query("select pid from pg_stat_activity where pid <> pg_backend_pid()", &[]).expect("pids");
        let mut victims = vec![postmaster.to_string()];
        victims.extend(rows.iter().map(|row| row.get::<_, i32>(0).to_string()));
        let mut arguments = vec!["-c", "kill -9 \"$@\" 2>/dev/null; true", "kill"];
        arguments.extend(victims.iter().map(String::as_str));
        run(&self.server, Path::new("sh"), &arguments);
    }

    /// Stops the server as its owner would: sessions are ended, everything is written.
    pub fn stop(&self) {
        let data = self.folder.join("data");
        run(&self.server, &self.server.programs.join("pg_ctl"), &["-D", text(&data), "-m", "fast", "-w", "stop"]);
    }

    /// Stops the server without writing anything: it recovers when it starts.
    pub fn stop_at_once(&self) {
        let data = self.folder.join("data");
        run(&self.server, &self.server.programs.join("pg_ctl"), &["-D", text(&data), "-m", "immediate", "-w", "stop"]);
    }

    /// Where its files lie.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// A physical standby, which follows this server until it is promoted.
    #[must_use]
    pub fn standby(&self) -> Cluster {
        let mut server = self.server.clone();
        let folder = PathBuf::from(run(&server, Path::new("mktemp"), &["-d", "-t", "holdfast-e2e-XXXXXX"]).trim());
        let (data, port) = (folder.join("data"), server.port.to_string());
        let from = ["-h", text(&self.folder), "-p", port.as_str(), "-U", server.user.as_str()];
        let how = ["-D", text(&data), "-R", "-X", "stream", "-c", "fast", "--no-sync"];
        run(&server, &server.programs.join("pg_basebackup"), &[from.as_slice(), how.as_slice()].concat());
        server.host = text(&folder).to_owned();
        let standby = Cluster { server, folder, options: self.options.clone() };
        standby.launch();
        standby
    }

    /// Makes a standby a server of its own.
    pub fn promote(&self) {
        let data = self.folder.join("data");
        run(&self.server, &self.server.programs.join("pg_ctl"), &["-D", text(&data), "-w", "promote"]);
    }

    /// Kills one process; the server ends all others, recovers and goes on.
    pub fn kill_one(&self, pid: i32) {
        try_run(&self.server, Path::new("kill"), &["-9", &pid.to_string()]);
    }

    /// Starts the stopped server below another program, which sees every process of it.
    #[must_use]
    pub fn launch_under(&self, tool: &[String]) -> Child {
        let (data, postgres, options) =
            (self.folder.join("data"), self.server.programs.join("postgres"), self.options());
        let own = [text(&postgres), "-D", text(&data)];
        let arguments: Vec<&str> =
            tool[1..].iter().map(String::as_str).chain(own).chain(options.split_whitespace()).collect();
        let mut command = command(&self.server, Path::new(&tool[0]), &arguments);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program can be started");
        let give_up = Instant::now() + Duration::from_secs(120);
        while self.server.try_connect("postgres", "cluster").is_err() {
            assert!(Instant::now() < give_up, "the server does not start below {}", tool[0]);
            thread::sleep(Duration::from_millis(100));
        }
        child
    }

    /// Gives a folder to the account of the server.
    pub fn give(&self, folder: &Path) {
        if let Some(account) = &self.server.run_as {
            let given = Command::new("chown").arg(account).arg(folder).status();
            assert!(given.is_ok_and(|status| status.success()), "{} cannot be given to {account}", folder.display());
        }
    }

    fn options(&self) -> String {
        // Processes die here, never the machine: what was written is in the system's memory, so nothing is flushed.
        format!(
            "-p {} -c listen_addresses= -c unix_socket_directories={} -c fsync=off -c max_connections=100 {} {}",
            self.server.port,
            text(&self.folder),
            "-c max_prepared_transactions=20",
            self.options
        )
    }

    /// Starts the server again; it recovers from its log.
    pub fn launch(&self) {
        let port = self.options();
        let (data, log) = (self.folder.join("data"), self.folder.join("log"));
        let arguments = ["-D", text(&data), "-l", text(&log), "-o", port.as_str(), "-w", "start"];
        // Processes of a killed server need a moment to notice that their postmaster is gone.
        let give_up = Instant::now() + Duration::from_secs(30);
        while !try_run(&self.server, &self.server.programs.join("pg_ctl"), &arguments) {
            let log = fs::read_to_string(&log).unwrap_or_default();
            assert!(Instant::now() < give_up, "the server does not start:\n{log}");
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// What the server wrote into its log.
    #[must_use]
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.folder.join("log")).expect("the log")).into_owned()
    }

    fn postmaster(&self) -> i32 {
        let file = fs::read_to_string(self.folder.join("data/postmaster.pid")).expect("postmaster.pid");
        file.lines().next().and_then(|line| line.parse().ok()).expect("a process id")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let data = self.folder.join("data");
        let pg_ctl = self.server.programs.join("pg_ctl");
        try_run(&self.server, &pg_ctl, &["-D", text(&data), "-m", "immediate", "-w", "stop"]);
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

/// The command under the server's account: PostgreSQL refuses to run as root.
fn command(server: &Server, program: &Path, arguments: &[&str]) -> Command {
    let we_are_root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout.trim_ascii() == b"0");
    let mut command = match &server.run_as {
        Some(account) if we_are_root => {
            let mut command = Command::new("runuser");
            command.args(["-u", account, "--"]).arg(program);
            command
        }
        _ => Command::new(program),
    };
    command.args(arguments).current_dir("/").stdin(Stdio::null());
    command
}

pub fn run(server: &Server, program: &Path, arguments: &[&str]) -> String {
    let output = command(server, program, arguments).output().expect("the program can be started");
    assert!(output.status.success(), "{program:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Without a pipe: a server that is started would keep it open for ever.
pub fn try_run(server: &Server, program: &Path, arguments: &[&str]) -> bool {
    let mut command = command(server, program, arguments);
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}
