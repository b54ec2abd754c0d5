//! An operator who acts on whatever is under way.

use std::time::Duration;

use sqlx::{Connection, PgConnection};
use tokio::time::timeout;

use super::book::Book;
use super::world::World;
use crate::Client;

/// Some sign-ups under way, as clients know them, and their seqs.
const UNDER_WAY: &str = "
SELECT 'wf_' || replace(id::text, '-', ''), seq FROM sagas WHERE ended_at IS NULL ORDER BY random() LIMIT 20";
/// How long the database may take to tell.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long an operator goes on acting on what was seen.
const WORKS: Duration = Duration::from_secs(10);

/// Has the steps of some sign-ups tried again, and rolls others back, as they were seen a moment ago. They may have gone
/// on since, and nobody may answer.
pub(super) async fn act(world: &World, book: &Book) {
    let Ok(Ok(sagas)) = timeout(PATIENCE, under_way(&world.url)).await else { return };
    // Whatever is not reached in time is left alone.
    let _ = timeout(WORKS, act_on(&sagas, world, book)).await;
}

async fn act_on(sagas: &[(String, i64)], world: &World, book: &Book) {
    let bearer = format!("Bearer {}", world.operator);
    let headers = [("authorization", &*bearer), ("content-type", "application/json")];
    for (number, (id, seq)) in sagas.iter().enumerate() {
        let action = if number % 2 == 0 { "retry" } else { "rollback" };
        let body = format!(r#"{{"reason": "chaos", "seq": {seq}}}"#);
        let Some(door) = world.doors.any(&mut rand::rng()) else { return };
        let answer = post(&door, &format!("/v1/admin/sagas/{id}/{action}"), &headers, body).await;
        if let Some((status, what)) = answer.filter(|(status, _)| !matches!(status, 200 | 404 | 409 | 503)) {
            book.is_wrong(format!("C8 every answer is one of the document's: {action} of {id}: {status} {what}"));
        }
    }
}

async fn post(door: &Client, path: &str, headers: &[(&str, &str)], body: String) -> Option<(u16, String)> {
    let answer = door.post(path, headers, body).await.ok()?;
    Some((answer.status, answer.text("type").to_owned()))
}

async fn under_way(url: &str) -> anyhow::Result<Vec<(String, i64)>> {
    let mut database = PgConnection::connect(url).await?;
    let sagas = sqlx::query_as(UNDER_WAY).fetch_all(&mut database).await?;
    database.close().await?;
    Ok(sagas)
}
