//! A server of a test's own, and the way to it: preloaded or not, straight or through a pooler.

use crate::{Cluster, Pooler, Server, Session};

pub struct Site {
    pub cluster: Cluster,
    pooler: Option<Pooler>,
    pub preloaded: bool,
}

impl Site {
    #[must_use]
    pub fn new(preloaded: bool, pooled: bool) -> Site {
        let cluster = if preloaded { Cluster::start_preloaded() } else { Cluster::start() };
        let pooler = pooled.then(|| Pooler::before(&cluster.server));
        Site { cluster, pooler, preloaded }
    }

    #[must_use]
    pub fn is_pooled(&self) -> bool {
        self.pooler.is_some()
    }

    /// The server as callers reach it.
    #[must_use]
    pub fn entrance(&self) -> &Server {
        self.pooler.as_ref().map_or(&self.cluster.server, |pooler| &pooler.server)
    }
}

/// What a pooler passes on: the simple protocol, settings that end with their transaction.
impl Session {
    /// Begins a transaction; the server process that it runs in.
    pub fn begin(&mut self, level: &str) -> i32 {
        self.run(&format!("begin isolation level {level}"));
        let rows = self.simple("select pg_backend_pid()").expect("a process id");
        rows[0][0].as_deref().and_then(|pid| pid.parse().ok()).expect("a process id")
    }
}

/// The number that a setting of the environment asks for.
#[must_use]
pub fn number(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}
