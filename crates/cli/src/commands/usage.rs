//! `usage`: what requests used and cost, read from the ledger beside the server that writes it.

use anyhow::{Context, Result};
use policy::config::Config;
use policy::prices::Usd;
use server::report::{json, parse_time, sum};
use store::{GroupBy, SqliteUsage, UsageGroup, UsageLedger, UsageQuery};

use super::table::{csv, grouped, table};
use crate::args::{By, Usage};
use crate::setup;
use crate::terminal::{note, say};

/// Prints the report.
pub(crate) async fn run(asked: Usage, config: &Config) -> Result<()> {
    let by = match asked.by {
        By::Key => GroupBy::Key,
        By::Model => GroupBy::Model,
        By::Day => GroupBy::Day,
        By::Backend => GroupBy::Backend,
    };
    let time = |text: Option<String>| {
        let wrong =
            |text: &str| format!("`{text}` is no day (2026-11-22), time (2026-11-22T10:00:00Z) or age (7d)");
        text.map(|text| parse_time(&text).with_context(|| wrong(&text))).transpose()
    };
    let query = UsageQuery { by, since_ms: time(asked.since)?, until_ms: time(asked.until)?, key: asked.key };
    let opened = SqliteUsage::open_to_read(&setup::usage_settings(config));
    let groups = match opened.context("the usage ledger can't be read")? {
        Some(ledger) => ledger.report(query).await.context("the usage ledger can't be read")?,
        None => {
            note(format_args!("No usage was kept yet in {}.", config.data_dir.display()));
            Vec::new()
        }
    };
    if asked.json {
        say(serde_json::to_string_pretty(&json(by, &groups))?);
    } else if asked.csv {
        say(as_csv(by, &groups));
    } else {
        say(as_table(by, &groups));
    }
    Ok(())
}

const fn head(by: GroupBy) -> &'static str {
    match by {
        GroupBy::Key => "key",
        GroupBy::Model => "model",
        GroupBy::Day => "day",
        GroupBy::Backend => "backend",
    }
}

/// What people look at; the rest is in CSV and JSON.
fn as_table(by: GroupBy, groups: &[UsageGroup]) -> String {
    let names = [head(by), "requests", "errors", "input", "cache write", "cache read", "output", "cost"];
    let mut rows = vec![names.map(str::to_owned).to_vec()];
    let row = |name: &str, group: &UsageGroup| {
        let tokens = &group.tokens;
        let written = tokens.cache_write_5m + tokens.cache_write_1h;
        let numbers = [group.requests, group.errors, tokens.input, written, tokens.cache_read, tokens.output]
            .map(grouped);
        let mark = if group.unpriced > 0 { "*" } else { "" };
        let cost = format!("${:.4}{mark}", Usd::from_nanos(group.cost_nanos).dollars());
        [vec![name.to_owned()], numbers.to_vec(), vec![cost]].concat()
    };
    for group in groups {
        let name = match (group.name.as_str(), group.group.as_str()) {
            ("", "") => "-".to_owned(),
            ("", group) => group.to_owned(),
            (name, group) if name == group => name.to_owned(),
            (name, group) => format!("{name} ({group})"),
        };
        rows.push(row(&name, group));
    }
    let total = sum(groups);
    rows.push(row("total", &total));
    let mut shown = table(&rows, 1);
    if total.unpriced > 0 {
        shown += &format!(
            "\n* without {} requests to models that have no price (`prices`)",
            grouped(total.unpriced)
        );
    }
    if total.estimated > 0 {
        shown += &format!(
            "\n{} answers broke off: their tokens are those told until then",
            grouped(total.estimated)
        );
    }
    shown
}

fn as_csv(by: GroupBy, groups: &[UsageGroup]) -> String {
    let names = [
        head(by),
        "name",
        "requests",
        "errors",
        "estimated",
        "unpriced",
        "input_tokens",
        "cache_write_5m_tokens",
        "cache_write_1h_tokens",
        "cache_read_tokens",
        "output_tokens",
        "thinking_tokens",
        "web_searches",
        "cost_usd",
        "duration_seconds",
    ];
    let mut lines = vec![csv(&names.map(str::to_owned))];
    for group in groups {
        let tokens = &group.tokens;
        let cost = Usd::from_nanos(group.cost_nanos).to_string();
        lines.push(csv(&[
            group.group.clone(),
            group.name.clone(),
            group.requests.to_string(),
            group.errors.to_string(),
            group.estimated.to_string(),
            group.unpriced.to_string(),
            tokens.input.to_string(),
            tokens.cache_write_5m.to_string(),
            tokens.cache_write_1h.to_string(),
            tokens.cache_read.to_string(),
            tokens.output.to_string(),
            tokens.thinking.to_string(),
            tokens.web_searches.to_string(),
            cost.trim_start_matches('$').to_owned(),
            format!("{:.6}", group.duration_us as f64 / 1e6),
        ]));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use store::UsageTokens;

    use super::*;

    fn group() -> UsageGroup {
        UsageGroup {
            group: "key_1".into(),
            name: "anna".into(),
            requests: 1200,
            unpriced: 1,
            tokens: UsageTokens { input: 5, output: 7, cache_write_1h: 2, ..UsageTokens::default() },
            cost_nanos: 1_250_000_000,
            ..UsageGroup::default()
        }
    }

    #[test]
    fn a_table_has_names_sums_and_says_what_is_missing_in_them() {
        let shown = as_table(GroupBy::Key, &[group()]);
        let lines: Vec<_> = shown.lines().collect();
        assert!(
            lines[1].starts_with("anna (key_1)")
                && lines[1].contains("1,200")
                && lines[1].ends_with("$1.2500*")
        );
        assert!(lines[2].starts_with("total") && lines[3].contains("no price"), "{shown}");
    }

    #[test]
    fn csv_has_as_many_cells_as_its_head_and_exact_money() {
        let shown = as_csv(GroupBy::Key, &[group()]);
        let cells: Vec<usize> = shown.lines().map(|line| line.split(',').count()).collect();
        assert_eq!(cells, [15, 15]);
        assert!(shown.contains(",1.25,"), "{shown}");
    }
}
