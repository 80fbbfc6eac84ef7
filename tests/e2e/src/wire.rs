//! A wire between client and server that can be cut at an exact place: a socket of our own that passes everything on.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::{fs, process, thread};

use crate::Server;

/// Where the wire is cut, counted from the moment it is told to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// The client's next message never arrives.
    Before,
    /// It arrives, and the wire is cut at once.
    During,
    /// It arrives, and the answer is lost on its way back.
    After,
}

/// The wire of one server.
pub struct Wire {
    /// The server, as it is reached by the wire.
    pub server: Server,
    folder: PathBuf,
    cut: Arc<Mutex<Option<Cut>>>,
}

impl Wire {
    #[must_use]
    pub fn to(server: &Server) -> Wire {
        static WIRES: Mutex<u32> = Mutex::new(0);
        let number = {
            let mut wires = WIRES.lock().expect("nobody panicked");
            *wires += 1;
            *wires
        };
        let folder = std::env::temp_dir().join(format!("holdfast-wire-{}-{number}", process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let socket = format!(".s.PGSQL.{}", server.port);
        let listener = UnixListener::bind(folder.join(&socket)).expect("a socket");
        let real = PathBuf::from(&server.host).join(socket);
        let cut: Arc<Mutex<Option<Cut>>> = Arc::default();
        let by_wire = Server { host: folder.to_string_lossy().into_owned(), ..server.clone() };
        let cuts = Arc::clone(&cut);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = UnixStream::connect(&real) else { continue };
                for from_client in [true, false] {
                    let pair = [client.try_clone(), server.try_clone()].map(|end| end.expect("a second handle"));
                    let cuts = Arc::clone(&cuts);
                    thread::spawn(move || pass_on(pair, from_client, &cuts));
                }
            }
        });
        Wire { server: by_wire, folder, cut }
    }

    /// Cuts every connection of this wire at its next message.
    pub fn cut(&self, cut: Cut) {
        *self.cut.lock().expect("nobody panicked") = Some(cut);
    }

    pub fn mend(&self) {
        *self.cut.lock().expect("nobody panicked") = None;
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Passes on what one side says, until the wire is cut.
fn pass_on([client, server]: [UnixStream; 2], from_client: bool, cuts: &Mutex<Option<Cut>>) {
    let (mut from, mut to) = if from_client { (&client, &server) } else { (&server, &client) };
    let mut bytes = [0; 65536];
    while let Ok(length @ 1..) = from.read(&mut bytes) {
        let cut = *cuts.lock().expect("nobody panicked");
        let dropped = if from_client { cut == Some(Cut::Before) } else { cut.is_some() };
        if !dropped && to.write_all(&bytes[..length]).is_err() {
            break;
        }
        if dropped || (from_client && cut == Some(Cut::During)) {
            break;
        }
    }
    let _ = client.shutdown(Shutdown::Both);
    let _ = server.shutdown(Shutdown::Both);
}
