//! The Error Sentinel collector. The folders are the pipeline, in the order in which an error passes them:
//! [`ingest`] accepts, [`queue`] holds, [`digest`] understands, [`store`] keeps, [`alert`] rings; people look
//! through [`dashboard`], programs through [`api`].
//!
//! What may use what: store → wire; digest → queue, store and the pure rules; alert → store; dashboard and
//! api → store; nothing uses the commands. A test of the workspace reads the `use` lines and fails on others.

pub mod alert;
pub mod api;
pub mod browser_sdk;
pub mod client_address;
pub mod clock;
pub mod commands;
pub mod dashboard;
pub mod data_dir;
pub mod database;
pub mod digest;
pub mod feed;
pub mod http_client;
pub mod ingest;
pub mod metrics;
pub mod queue;
pub mod secret;
pub mod server;
pub mod settings;
pub mod store;
