//! `/stream`, as long as the server serves.

use std::time::Duration;

use crate::server::Server;

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_when_the_server_is_about_to_stop() {
    let server = Server::start().await;
    let stop = async { server.app.readiness().drain() };
    let both = async { tokio::join!(server.get("/api/v1/stream"), stop) };
    let (answer, ()) = tokio::time::timeout(Duration::from_secs(30), both).await.expect("the stream ends");
    answer.expect(200);
}
