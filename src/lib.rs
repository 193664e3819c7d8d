//! contactd answers one question for SMS senders, at a very high rate and without ever being wrong in the dangerous
//! direction: may I send to this contact from this sending list, now?
pub mod error;
pub mod limits;
pub mod model;
pub mod wire;
pub mod store;
pub mod command;
pub mod server;
pub mod config;
pub mod cli;
