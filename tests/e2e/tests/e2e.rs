//! What can be asked while other tests run: one program, so that the template of its databases is made once.
//! `cargo test -p holdfast-e2e --test e2e contract::faults_keys` runs one file of it, `contract::` a folder.

mod adopt;
mod attack;
mod booking;
mod contract;
mod documents;
mod event;
mod hold;
mod rollout;
mod session;
mod upkeep;
