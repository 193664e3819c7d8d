//! Sends each row as one request, and makes of each reply a line of the report.

mod cell;
pub mod country;
mod defaults;
pub mod fault;
pub mod numbers;
pub mod pipeline;
pub mod progress;
pub mod refusal;
pub mod rejects;
pub mod report;
pub mod request;
pub mod row;
pub mod told;
mod withheld;
mod whose;
