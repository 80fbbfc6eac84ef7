//! pgbouncer in transaction mode before a server: every transaction may be another server process.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use crate::Server;
use crate::cluster::{run, try_run};

/// A pooler of a test's own.
pub struct Pooler {
    /// The server, as it is reached through the pooler.
    pub server: Server,
    account: Server,
    folder: PathBuf,
}

/// The pooler's program: the machine's, or Debian's package unpacked in a folder that the server's account can read.
fn program() -> PathBuf {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock();
    let installed = PathBuf::from("/usr/sbin/pgbouncer");
    if installed.exists() {
        return installed;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the clone");
    let folder = std::env::temp_dir().join("holdfast-pgbouncer");
    let fetched = folder.join("usr/sbin/pgbouncer");
    if !fetched.exists() {
        let got = Command::new(root.join("toolchain/get-packages")).arg(&folder).arg("pgbouncer").status();
        assert!(got.is_ok_and(|got| got.success()), "pgbouncer is missing: apt-get install pgbouncer");
    }
    fetched
}

/// Where its libraries were unpacked beside it; no such folder when it is installed.
fn libraries(program: &Path) -> String {
    let usr = program.ancestors().nth(2).expect("a program lies in a folder of a folder");
    let folders = fs::read_dir(usr.join("lib")).into_iter().flatten().flatten().map(|entry| entry.path());
    let found: Vec<String> = folders.filter(|path| path.is_dir()).map(|path| path.display().to_string()).collect();
    if program.starts_with("/usr/sbin") { String::new() } else { found.join(":") }
}

impl Pooler {
    #[must_use]
    pub fn before(server: &Server) -> Pooler {
        let made = run(server, Path::new("mktemp"), &["-d", "-t", "holdfast-pooler-XXXXXX"]);
        let folder = PathBuf::from(made.trim());
        let program = program();
        let settings = format!(
            "[databases]\n* = host={1} port={2} user={3}\n[pgbouncer]\nlisten_port = 6432\nunix_socket_dir = {0}\n\
             auth_type = any\npool_mode = transaction\ndefault_pool_size = 12\nmax_client_conn = 100\n\
             ignore_startup_parameters = options,extra_float_digits\nserver_login_retry = 0.2\nlogfile = {0}/log\npidfile = {0}/pid\n",
            folder.display(),
            server.host,
            server.port,
            server.user
        );
        // Beside the folder, which is the account's alone.
        let file = folder.with_extension("ini");
        fs::write(&file, settings).expect("the pooler's settings");
        let libraries = format!("LD_LIBRARY_PATH={}", libraries(&program));
        let arguments = [&libraries, program.to_str().expect("a path"), "-q", "-d", file.to_str().expect("a path")];
        run(server, Path::new("env"), &arguments);
        let entrance = Server { host: folder.to_string_lossy().into_owned(), port: 6432, ..server.clone() };
        let pooler = Pooler { server: entrance, account: server.clone(), folder };
        let give_up = Instant::now() + Duration::from_secs(20);
        while pooler.server.try_connect("postgres", "pooled").is_err() {
            assert!(Instant::now() < give_up, "the pooler does not answer");
            thread::sleep(Duration::from_millis(50));
        }
        let _ = fs::remove_file(file);
        pooler
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        if let Ok(pid) = fs::read_to_string(self.folder.join("pid")) {
            try_run(&self.account, Path::new("kill"), &[pid.trim()]);
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}
