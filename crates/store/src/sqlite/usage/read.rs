//! Reports.

use rusqlite::{Connection, Row, params};

use crate::sqlite::signed;
use crate::{GroupBy, Spent, StoreError, UsageGroup, UsageQuery, UsageTokens};

pub(super) fn report(connection: &Connection, query: &UsageQuery) -> Result<Vec<UsageGroup>, StoreError> {
    let (group, order) = match query.by {
        GroupBy::Key => ("key", "cost DESC, requests DESC, grouped"),
        GroupBy::Model => ("model_served", "cost DESC, requests DESC, grouped"),
        GroupBy::Backend => ("backend", "cost DESC, requests DESC, grouped"),
        GroupBy::Day => ("date(time / 1000, 'unixepoch')", "grouped"),
    };
    // Of `max(time)` and a bare column, SQLite takes the column from the row of the maximum: the latest name.
    let sql = format!(
        "SELECT {group} AS grouped, key_name, max(time), count(*) AS requests, sum(status >= 400), sum(estimated),
            sum(cost IS NULL AND input + output + cache_write_5m + cache_write_1h + cache_read > 0),
            sum(input), sum(output), sum(cache_write_5m), sum(cache_write_1h), sum(cache_read), sum(thinking),
            sum(web_searches), coalesce(sum(cost), 0) AS cost, sum(duration)
         FROM usage
         WHERE time >= ?1 AND time < ?2 AND (?3 IS NULL OR key = ?3 OR key_name = ?3)
         GROUP BY grouped ORDER BY {order}"
    );
    let named = query.by == GroupBy::Key;
    let (since, until) = (query.since_ms.unwrap_or(0), query.until_ms.unwrap_or(u64::MAX));
    let mut statement = connection.prepare_cached(&sql)?;
    let groups =
        statement.query_map(params![signed(since), signed(until), query.key], |row| group_of(row, named))?;
    Ok(groups.collect::<Result<_, _>>()?)
}

fn group_of(row: &Row<'_>, named: bool) -> rusqlite::Result<UsageGroup> {
    let count = |column: usize| row.get::<_, i64>(column).map(i64::unsigned_abs);
    Ok(UsageGroup {
        group: row.get(0)?,
        name: if named { row.get(1)? } else { String::new() },
        requests: count(3)?,
        errors: count(4)?,
        estimated: count(5)?,
        unpriced: count(6)?,
        tokens: UsageTokens {
            input: count(7)?,
            output: count(8)?,
            cache_write_5m: count(9)?,
            cache_write_1h: count(10)?,
            cache_read: count(11)?,
            thinking: count(12)?,
            web_searches: count(13)?,
        },
        cost_nanos: count(14)?,
        duration_us: count(15)?,
    })
}

pub(super) fn spent(connection: &Connection, day_ms: u64, month_ms: u64) -> Result<Vec<Spent>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT key, coalesce(sum(CASE WHEN time >= ?1 THEN cost END), 0),
            coalesce(sum(CASE WHEN time >= ?2 THEN cost END), 0)
         FROM usage WHERE time >= min(?1, ?2) GROUP BY key",
    )?;
    let spent = statement.query_map(params![signed(day_ms), signed(month_ms)], |row| {
        let amount = |column: usize| row.get::<_, i64>(column).map(i64::unsigned_abs);
        Ok(Spent { key: row.get(0)?, day_nanos: amount(1)?, month_nanos: amount(2)? })
    })?;
    Ok(spent.collect::<Result<_, _>>()?)
}
