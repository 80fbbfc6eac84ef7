//! holdfast: a held table becomes a confirmed booking exactly once.

pub mod rules;

#[cfg(feature = "pgrx")]
::pgrx::pg_module_magic!(name, version);

/// What `cargo pgrx test` asks of the crate: the settings of its server.
#[cfg(all(test, feature = "pg_test"))]
pub mod pg_test {
    pub fn setup(_options: Vec<&str>) {}

    #[must_use]
    pub fn postgresql_conf_options() -> Vec<&'static str> {
        vec![]
    }
}
