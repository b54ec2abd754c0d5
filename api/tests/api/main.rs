//! The API as its clients see it, against a store made for the test.

mod bad_requests;
mod every_route;
mod log;
mod openapi;
mod showing;
mod stage;
mod starting;
mod store_trouble;
mod waiting;
