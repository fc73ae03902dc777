//! `keys create|list|revoke|rotate`, in the store that a running server looks at.

use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};
use policy::config::{Config, issued_keys_refused};
use policy::keys::Terms;
use server::issued::{self, Fresh, Wanted};
use store::{KeyStore, SqliteKeys, StoredKey};

use super::table::table;
use crate::args::{CreateKey, KeysCommand};
use crate::setup;
use crate::terminal::{note, say};

/// Runs one of the subcommands.
pub(crate) async fn run(command: KeysCommand, config: &Config) -> Result<()> {
    let makes = matches!(command, KeysCommand::Create(_) | KeysCommand::Rotate { .. });
    if let Some(reason) = issued_keys_refused(config).filter(|_| makes) {
        bail!(reason);
    }
    let store =
        SqliteKeys::open(&config.data_dir, setup::STORE_PATIENCE).context("the keys can't be read")?;
    let done = match command {
        KeysCommand::Create(asked) => create(&store, *asked, config).await,
        KeysCommand::List { json } => list(&store, json).await,
        KeysCommand::Revoke { key } => revoke(&store, &key).await,
        KeysCommand::Rotate { key, grace, json } => rotate(&store, &key, grace, json).await,
    };
    store.close().await;
    done
}

async fn create(store: &dyn KeyStore, asked: CreateKey, config: &Config) -> Result<()> {
    let json = asked.json;
    let expires_at = asked.expires.as_deref().map(expiry).transpose()?;
    let some = |list: Vec<String>| Some(list).filter(|list| !list.is_empty());
    let terms = Terms {
        models: some(asked.models),
        endpoints: some(asked.endpoints),
        requests_per_minute: asked.requests_per_minute,
        burst_size: asked.burst,
        tokens_per_minute: asked.tokens_per_minute,
        concurrent_requests: asked.concurrent,
        daily_budget_usd: asked.daily_usd,
        monthly_budget_usd: asked.monthly_usd,
    };
    if terms.has_budget() && !config.usage.enabled {
        bail!("a budget needs `usage.enabled`: it is reckoned by what was used before");
    }
    show(&issued::create(store, Wanted { name: asked.name, expires_at, terms }).await?, json)
}

/// A time, or an age from now on.
fn expiry(text: &str) -> Result<u64> {
    let age = || SystemTime::now().checked_add(humantime::parse_duration(text).ok()?);
    let time = humantime::parse_rfc3339(text).ok().or_else(age);
    let since = time.and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
    Ok(since.with_context(|| format!("--expires: `{text}` is neither an age (90d) nor a time"))?.as_secs())
}

async fn rotate(store: &dyn KeyStore, key: &str, grace: Duration, json: bool) -> Result<()> {
    show(&issued::rotate(store, key, grace).await.with_context(|| key.to_owned())?, json)
}

async fn revoke(store: &dyn KeyStore, key: &str) -> Result<()> {
    let revoked = issued::revoke(store, key).await.with_context(|| key.to_owned())?;
    say(format_args!("{} ({}) is revoked", revoked.name, revoked.id));
    Ok(())
}

/// The key alone on standard output, so that it can be piped.
fn show(fresh: &Fresh, json: bool) -> Result<()> {
    if json {
        say(serde_json::to_string_pretty(&issued::shown_once(fresh))?);
        return Ok(());
    }
    let StoredKey { id, name, .. } = &fresh.stored;
    note(format_args!("The key of {name} ({id}). It is shown only now; its hash is kept:"));
    say(fresh.key.expose());
    Ok(())
}

async fn list(store: &dyn KeyStore, json: bool) -> Result<()> {
    let keys: Vec<_> = store.list().await?.iter().map(issued::shown).collect();
    if json {
        say(serde_json::to_string_pretty(&serde_json::json!({ "data": keys }))?);
        return Ok(());
    }
    let head = ["id", "name", "state", "created", "expires", "limits"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for key in &keys {
        let text = |name: &str| key[name].as_str().unwrap_or("-").to_owned();
        let limits = key["limits"].as_object().into_iter().flatten();
        let limits: Vec<_> = limits.map(|(name, limit)| format!("{name}={limit}")).collect();
        let mut row = ["id", "name", "state", "created_at", "expires_at"].map(text).to_vec();
        row.push(if limits.is_empty() { "-".to_owned() } else { limits.join(" ") });
        rows.push(row);
    }
    say(table(&rows, head.len()));
    Ok(())
}
