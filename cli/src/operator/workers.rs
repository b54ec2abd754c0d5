//! `signup worker list`.

use super::age::span;
use super::answers::{Worker, Workers};
use super::table::Table;
use super::{Client, Server};

pub(super) async fn list(server: Server) -> anyhow::Result<String> {
    let answer = Client::new(&server)?.get("/v1/admin/workers", &[]).await?;
    if server.json {
        return Ok(answer.raw());
    }
    let Workers { workers } = answer.read()?;
    if workers.is_empty() {
        return Ok("no workers\n".to_owned());
    }
    let mut table = Table::new(["NAME", "ROLE", "VERSION", "STATE", "SEEN", "BUSY", "PID", "HOST"]);
    for worker in workers {
        let running: usize = worker.busy.values().map(|busy| busy.running).sum();
        let slots: usize = worker.busy.values().map(|busy| busy.slots).sum();
        let note = busy(&worker);
        let cells = [
            worker.name,
            worker.role,
            worker.version,
            worker.state,
            format!("{} ago", span(worker.seen_ago_ms)),
            format!("{running}/{slots}"),
            worker.pid.to_string(),
            worker.host,
        ];
        table.row(cells, note);
    }
    Ok(table.text())
}

/// What a process is doing, step by step.
fn busy(worker: &Worker) -> Option<String> {
    let steps = worker.busy.iter().filter(|(_, busy)| busy.running > 0);
    let steps: Vec<String> = steps.map(|(step, busy)| format!("{step} {}/{}", busy.running, busy.slots)).collect();
    (!steps.is_empty()).then(|| steps.join(", "))
}
