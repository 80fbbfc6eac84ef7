//! What can be asked while other tests run: one program, so that the template of its databases is made once.
//! `cargo test -p holdfast-e2e --test e2e faults_keys` runs one room of it.

mod atomicity;
mod attempt;
mod audit;
mod auto_assign;
mod client_gone;
mod clients;
mod contract;
mod contract_calls;
mod deadline;
mod deadline_limits;
mod faults_holds;
mod faults_keys;
mod faults_server;
mod faults_status;
mod fence;
mod foreign;
mod idempotency;
mod mended;
mod migration;
mod nonsense;
mod outbox;
mod preflight;
mod privileges;
mod reconcile;
mod refusals;
mod refusals_tables;
mod replay;
mod retry;
mod schemas;
mod shadows;
mod sweep;
mod triggers;
mod undo;
mod upgrade;
mod written;
