//! Distance between client and server: a socket of our own that passes on what either side says, some time later.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;
use std::{fs, process, thread};

use holdfast_e2e::Server;

/// A way to a server that takes so long, there and back.
pub struct Proxy {
    /// The server, as it is reached by this way.
    pub server: Server,
    folder: PathBuf,
}

impl Proxy {
    /// Half of the round trip is waited on the way there, half on the way back.
    #[must_use]
    pub fn to(server: &Server, round_trip: Duration) -> Proxy {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Relaxed);
        let folder = std::env::temp_dir().join(format!("holdfast-proxy-{}-{number}", process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let socket = format!(".s.PGSQL.{}", server.port);
        let listener = UnixListener::bind(folder.join(&socket)).expect("a socket");
        let real = PathBuf::from(&server.host).join(socket);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = UnixStream::connect(&real) else { continue };
                for (from, to) in [(&client, &server), (&server, &client)] {
                    let pair = [from, to].map(|end| end.try_clone().expect("a second handle"));
                    thread::spawn(move || pass_on(pair, round_trip / 2));
                }
            }
        });
        Proxy { server: Server { host: folder.to_string_lossy().into_owned(), ..server.clone() }, folder }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn pass_on([mut from, mut to]: [UnixStream; 2], wait: Duration) {
    let mut bytes = [0; 65536];
    while let Ok(length @ 1..) = from.read(&mut bytes) {
        thread::sleep(wait);
        if to.write_all(&bytes[..length]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
