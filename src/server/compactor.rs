//! The compactor: a client of the protocol inside the daemon, which plans a purge now and then and runs it.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::io::DuplexStream;

use super::Server;
use crate::client::{AsyncClient, Reply};
use crate::command::{Access, Grant};
use crate::error::{Error, Result};

/// Whose purges these are, as history tells it.
const NAME: &str = "compactor";

/// Purges until the server drains: the first time an hour after the start, or as often as it is to be. Zero is never.
pub(super) fn start(server: &Arc<Server>, every: Duration) {
    const FIRST_AFTER: Duration = Duration::from_secs(3600);
    if every.is_zero() {
        return;
    }
    let server = Arc::clone(server);
    server.connections.clone().spawn(async move {
        let mut wait = every.min(FIRST_AFTER);
        loop {
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = server.stop.cancelled() => return,
            }
            if let Err(why) = purge(server.connect_inside(Grant { access: Access::Admin, name: NAME.into() })).await
                && !server.stop.is_cancelled()
            {
                tracing::error!("the compactor could not purge: {}", why.message);
            }
            wait = every;
        }
    });
}

/// Plans a purge and begins its run.
async fn purge(pipe: DuplexStream) -> Result<()> {
    let mut client = AsyncClient::new(pipe);
    let plan: Value = serde_json::from_str(&ask(&mut client, &["PURGE", "PLAN"]).await?).map_err(Error::internal)?;
    ask(&mut client, &["PURGE", "RUN", &plan["plan"].to_string()]).await.map(drop)
}

/// Sends a request that is answered with a text.
async fn ask(client: &mut AsyncClient<DuplexStream>, request: &[&str]) -> Result<String> {
    match client.call(request).await? {
        Reply::Text(text) => Ok(text),
        other => Err(Error::internal(format!("{} was answered with '{other}'", request.join(" ")))),
    }
}
