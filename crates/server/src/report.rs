//! Reports of usage, as the admin API and the command line ask for them and show them.

use std::time::{Duration, SystemTime};

use policy::prices::Usd;
use serde_json::{Value, json};
use store::{GroupBy, UsageGroup};

/// By what a report adds up, by its name.
#[must_use]
pub fn group_by(name: &str) -> Option<GroupBy> {
    Some(match name {
        "key" => GroupBy::Key,
        "model" => GroupBy::Model,
        "day" => GroupBy::Day,
        "backend" => GroupBy::Backend,
        _ => return None,
    })
}

/// A day, a time, or an age, in milliseconds since 1970.
#[must_use]
pub fn parse_time(text: &str) -> Option<u64> {
    let day = || humantime::parse_rfc3339(&format!("{text}T00:00:00Z")).ok();
    let age = || SystemTime::now().checked_sub(humantime::parse_duration(text).ok()?);
    let time = humantime::parse_rfc3339(text).ok().or_else(day).or_else(age)?;
    u64::try_from(time.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_millis()).ok()
}

/// A report as JSON: a line for each group, and their sum.
#[must_use]
pub fn json(by: GroupBy, groups: &[UsageGroup]) -> Value {
    let name = match by {
        GroupBy::Key => "key",
        GroupBy::Model => "model",
        GroupBy::Day => "day",
        GroupBy::Backend => "backend",
    };
    let lines: Vec<Value> = groups.iter().map(|group| line(name, group)).collect();
    let mut total = line("", &sum(groups));
    if let Some(total) = total.as_object_mut() {
        total.remove("");
    }
    json!({ "by": name, "data": lines, "total": total })
}

fn line(name: &str, group: &UsageGroup) -> Value {
    let tokens = &group.tokens;
    let mut line = json!({
        "requests": group.requests,
        "errors": group.errors,
        "estimated": group.estimated,
        "unpriced": group.unpriced,
        "input_tokens": tokens.input,
        "output_tokens": tokens.output,
        "cache_write_5m_tokens": tokens.cache_write_5m,
        "cache_write_1h_tokens": tokens.cache_write_1h,
        "cache_read_tokens": tokens.cache_read,
        "thinking_tokens": tokens.thinking,
        "web_searches": tokens.web_searches,
        "cost_usd": Usd::from_nanos(group.cost_nanos).dollars(),
        "duration_seconds": Duration::from_micros(group.duration_us).as_secs_f64(),
    });
    line[name] = group.group.clone().into();
    if !group.name.is_empty() {
        line["name"] = group.name.clone().into();
    }
    line
}

/// All groups together.
#[must_use]
pub fn sum(groups: &[UsageGroup]) -> UsageGroup {
    let mut sum = UsageGroup::default();
    for group in groups {
        sum.requests += group.requests;
        sum.errors += group.errors;
        sum.estimated += group.estimated;
        sum.unpriced += group.unpriced;
        sum.cost_nanos += group.cost_nanos;
        sum.duration_us += group.duration_us;
        let (sum, tokens) = (&mut sum.tokens, &group.tokens);
        sum.input += tokens.input;
        sum.output += tokens.output;
        sum.cache_write_5m += tokens.cache_write_5m;
        sum.cache_write_1h += tokens.cache_write_1h;
        sum.cache_read += tokens.cache_read;
        sum.thinking += tokens.thinking;
        sum.web_searches += tokens.web_searches;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_days_moments_and_ages() {
        assert_eq!(parse_time("1970-01-02"), Some(86_400_000));
        assert_eq!(parse_time("1970-01-01T00:00:01Z"), Some(1000));
        assert!(parse_time("7d") < parse_time("1h"));
        assert_eq!((parse_time("soon"), parse_time("-1d")), (None, None));
    }

    #[test]
    fn a_report_has_a_line_for_each_group_and_their_sum() {
        let group = |name: &str, requests| UsageGroup {
            group: name.to_owned(),
            requests,
            cost_nanos: 250_000_000,
            ..UsageGroup::default()
        };
        let shown = json(GroupBy::Model, &[group("a", 1), group("b", 2)]);
        assert_eq!((&shown["by"], &shown["data"][1]["model"]), (&json!("model"), &json!("b")));
        assert_eq!((&shown["total"]["requests"], &shown["total"]["cost_usd"]), (&json!(3), &json!(0.5)));
    }
}
