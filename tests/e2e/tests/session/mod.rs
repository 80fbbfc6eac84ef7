//! What a session knows, what it may see, and how it is called.

mod access_path;
mod both_paths;
mod client_gone;
mod clients;
mod growth;
mod json;
mod many_tenants;
mod natives;
mod nested;
mod owners;
mod retry;
mod storm;
mod tenants;
mod types;
