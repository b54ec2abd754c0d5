//! A connection that lets nothing through which would end an apalis-redis worker.

use std::sync::Arc;

use redis::aio::{ConnectionLike, ConnectionManager};
use redis::{Cmd, Pipeline, RedisFuture, RedisResult, Value};

use super::ear::Ear;

/// The connection of a worker.
///
/// apalis-redis ends a worker over an id in its list without a payload, or without all that it notes of a hint, and puts
/// the id back for the next worker to end over. Here those get an empty payload, which is no hint, and are done with.
#[derive(Clone)]
pub(super) struct Sieve {
    inner: ConnectionManager,
    ear: Arc<Ear>,
    /// Called when hints have been asked for and Redis has answered.
    answered: Arc<dyn Fn() + Send + Sync>,
}

impl Sieve {
    pub(super) fn new(inner: ConnectionManager, ear: Arc<Ear>, answered: Arc<dyn Fn() + Send + Sync>) -> Self {
        Self { inner, ear, answered }
    }
}

impl ConnectionLike for Sieve {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(async move {
            let _asking = self.ear.ask();
            let mut answer = send(&mut self.inner, command).await?;
            if let Some((payloads, notes)) = fetched(&mut answer) {
                sift(payloads, notes);
                (self.answered)();
            }
            Ok(answer)
        })
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        commands: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        self.inner.req_packed_commands(commands, offset, count)
    }

    fn get_db(&self) -> i64 {
        self.inner.get_db()
    }
}

#[cfg(not(feature = "testing"))]
async fn send(connection: &mut ConnectionManager, command: &Cmd) -> RedisResult<Value> {
    connection.req_packed_command(command).await
}

/// With the crash points of an acknowledgement, which is the one command that names what is done.
#[cfg(feature = "testing")]
async fn send(connection: &mut ConnectionManager, command: &Cmd) -> RedisResult<Value> {
    use saga::testing::crash::{Act, came_back, through};
    came_back(&Act::Acknowledge).await;
    let mut arguments = command.args_iter();
    let is_acknowledgement =
        arguments.any(|argument| matches!(argument, redis::Arg::Simple(b) if b.ends_with(b":done")));
    let call = connection.req_packed_command(command);
    let lost = || redis::RedisError::from((redis::ErrorKind::Io, "the answer was lost"));
    if is_acknowledgement { through(&Act::Acknowledge, None, call, lost).await } else { call.await }
}

/// The answer of the script that fetches hints, the only one of this shape: the payloads, and what is noted of each.
fn fetched(answer: &mut Value) -> Option<(&mut Vec<Value>, &mut Vec<Value>)> {
    let Value::Array(halves) = answer else { return None };
    let [Value::Array(payloads), Value::Array(notes)] = halves.as_mut_slice() else { return None };
    Some((payloads, notes))
}

fn sift(payloads: &mut Vec<Value>, notes: &mut Vec<Value>) {
    let sound = std::mem::take(payloads).into_iter().zip(std::mem::take(notes));
    for (payload, note) in sound.filter_map(|(payload, note)| Some((payload, mended(note)?))) {
        payloads.push(if matches!(payload, Value::BulkString(_)) { payload } else { text("") });
        notes.push(note);
    }
}

/// What is noted of a hint: its id, then names and values. `None` where there is no readable id: nothing can be done
/// with that.
fn mended(note: Value) -> Option<Value> {
    let Value::Array(fields) = note else { return None };
    let mut fields = fields.into_iter();
    let id = fields.next().filter(readable)?;
    let rest: Vec<_> = fields.collect();
    let known = |name: &str| {
        let value = rest.chunks_exact(2).find(|field| field[0] == text(name)).map(|field| &field[1]);
        value.filter(|value| readable(value)).cloned()
    };
    let number = |name| known(name).filter(is_number).unwrap_or_else(|| text("0"));
    Some(Value::Array(vec![
        id,
        text("attempts"),
        number("attempts"),
        text("max_attempts"),
        number("max_attempts"),
        text("status"),
        // Whatever became of it before, it is to be done now.
        text("Pending"),
    ]))
}

fn readable(value: &Value) -> bool {
    matches!(value, Value::BulkString(bytes) if std::str::from_utf8(bytes).is_ok())
}

fn is_number(value: &Value) -> bool {
    matches!(value, Value::BulkString(bytes) if std::str::from_utf8(bytes).is_ok_and(|text| text.parse::<u32>().is_ok()))
}

fn text(text: &str) -> Value {
    Value::BulkString(text.as_bytes().to_vec())
}
