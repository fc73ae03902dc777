//! `demo`: both dialects at work without any account. A simulator stands in for the Messages API; the real `claude`
//! program runs in between.

use anyhow::{Context, Result, bail};
use backends::{HttpClient, Timeouts};
use bytes::Bytes;
use claude_code::OperatorEnvironment;
use http::Request;
use http::header::CONTENT_TYPE;
use http_body_util::{BodyExt, Full};
use policy::config::{self, Config};
use serde_json::{Value, json};
use server::Stores;
use simulator::Simulator;
use std::time::Duration;

use super::{sandbox, serve};
use crate::setup;
use crate::terminal::{BOLD, DIM, coloured, local_url, say, stream};

const MODEL: &str = "claude-sonnet-5-5";
const QUESTION: &str = "Say hello to somebody who has just installed you.";
/// Nothing in the demo takes longer unless something hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// Runs the demo; serves on unless `once`.
pub(crate) async fn run(once: bool, config: &Config) -> Result<()> {
    let simulator = Simulator::start().await.context("the simulator could not be started")?;
    let home = tempfile::tempdir().context("no temporary directory")?;
    let environment = sandbox::environment(home.path());
    let sandboxed = |backend| sandbox::config(config, backend, &simulator, home.path(), "the demo");
    let mut through_claude = sandboxed(config::Backend::ClaudeCode);
    let mut direct = sandboxed(config::Backend::Anthropic);
    direct.server.port = 0;

    let program =
        setup::find_claude(config.claude_code.path.as_deref(), &OperatorEnvironment::of_this_process())?;
    through_claude.claude_code.path = Some(program.clone());
    let bind = |config| {
        let stores = Stores { responses: setup::responses(config), ..Stores::default() };
        serve::bind(config, None, false, &environment, stores)
    };
    let (claude_server, claude_address) = bind(&through_claude)?;
    let (direct_server, direct_address) = bind(&direct)?;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let servers = [claude_server, direct_server].map(|server| {
        let mut stopped = stopped.clone();
        tokio::spawn(server.run(async move {
            // An error means that the sender is gone, which is a reason to stop as well.
            let _ = stopped.wait_for(|stop| *stop).await;
        }))
    });

    say(coloured("A simulator plays the Messages API; everything else is real.", DIM));
    say(coloured(&format!("claude: {}", program.display()), DIM));
    let outcome = show(&local_url(claude_address), &local_url(direct_address)).await;
    if outcome.is_ok() && !once {
        invite(&local_url(claude_address));
        serve::stop_signal()?.await;
    }
    let _ = stop.send(true);
    for server in servers {
        server.await?;
    }
    outcome
}

/// One streamed request in each dialect, through `claude` and past it.
async fn show(through_claude: &str, direct: &str) -> Result<()> {
    for (base, way) in
        [(through_claude, "through the claude program"), (direct, "straight to the Messages API")]
    {
        headline(&format!("Anthropic dialect, {way}"));
        ask(&format!("{base}/v1/messages"), &anthropic_request(), "/delta/text").await?;
        headline(&format!("OpenAI dialect, {way}"));
        ask(&format!("{base}/v1/chat/completions"), &openai_request(), "/choices/0/delta/content").await?;
    }
    Ok(())
}

fn headline(text: &str) {
    say("");
    say(coloured(text, BOLD));
}

fn anthropic_request() -> Value {
    json!({ "model": MODEL, "max_tokens": 256, "stream": true, "messages": [{ "role": "user", "content": QUESTION }] })
}

fn openai_request() -> Value {
    json!({ "model": MODEL, "stream": true, "messages": [{ "role": "user", "content": QUESTION }] })
}

/// Sends a streaming request and prints the text found at `text` in each event, as it comes.
async fn ask(url: &str, body: &Value, text: &str) -> Result<()> {
    let request = Request::post(url)
        .header(CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(body.to_string())))?;
    let client = HttpClient::new(Timeouts { quiet: PATIENCE, response: PATIENCE });
    let answer = client.send(request, true).await?;
    let status = answer.status();
    let mut body = Box::pin(answer.into_body());
    if !status.is_success() {
        let told = body.collect().await?.to_bytes();
        bail!("{url} answered {status}: {}", String::from_utf8_lossy(&told));
    }
    let mut events = wire::sse::Decoder::new(1 << 20);
    let mut shown = false;
    stream("  ");
    while let Some(frame) = body.frame().await {
        events.push(frame?.data_ref().map_or(&[][..], |data| data));
        while let Some(event) = events.next_frame()? {
            let Ok(event) = serde_json::from_slice::<Value>(&event.data) else { continue };
            if let Some(error) = event.get("error") {
                bail!("{url} ended with {error}");
            }
            if let Some(piece) = event.pointer(text).and_then(Value::as_str) {
                stream(piece);
                shown = true;
            }
        }
    }
    say("");
    if shown { Ok(()) } else { bail!("{url} answered without any text") }
}

fn invite(base: &str) {
    headline("The server goes on. Try it:");
    say(format_args!(
        "  curl {base}/v1/messages -H 'content-type: application/json' \\\n    -d '{}'",
        anthropic_request()
    ));
    say(format_args!(
        "  curl {base}/v1/chat/completions -H 'content-type: application/json' \\\n    -d '{}'",
        openai_request()
    ));
    say(format_args!("  OPENAI_BASE_URL={base}/v1 OPENAI_API_KEY=dummy-key  your OpenAI program"));
    say(format_args!("  ANTHROPIC_BASE_URL={base} ANTHROPIC_API_KEY=dummy-key  your Anthropic program"));
    say(format_args!("  {base}/health   {base}/metrics"));
    say(coloured("Ctrl-C ends it.", DIM));
}
