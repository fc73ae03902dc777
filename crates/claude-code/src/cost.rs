//! What a turn cost. The program tells the sum of its whole life in the `result` that ends a turn: the difference to the
//! sum before is what this turn cost.
//!
//! A turn with calls is not over for the program before their results were answered: it tells the cost of all of it
//! then, and so the request that brings the last results is told it. Of a process that is killed it is not known.

use messages::json::Text;
use serde::Deserialize;
use tokio::sync::mpsc;

/// How the program begins nearly all lines of a turn: these are left unread.
const STREAM_EVENT: &[u8] = br#"{"type":"stream_event","#;
/// Differences of sums in binary are no round numbers.
const NANODOLLARS: f64 = 1e9;

/// Where a turn's cost is to be told, in US dollars.
pub(crate) type Bill = mpsc::Sender<f64>;

/// What a turn cost, once the program tells it.
#[derive(Debug)]
pub struct Cost(mpsc::Receiver<f64>);

/// A bill, and what will be told on it.
pub(crate) fn bill() -> (Bill, Cost) {
    let (bill, told) = mpsc::channel(1);
    (bill, Cost(told))
}

impl Cost {
    /// US dollars; `None` when it is told with a later turn of the conversation, or never. Known a moment after the
    /// answer.
    pub async fn usd(mut self) -> Option<f64> {
        self.0.recv().await
    }
}

/// What a process has cost so far, and who is to know of more.
#[derive(Debug, Default)]
pub(crate) struct Spending {
    total_usd: f64,
    /// For the turn that comes, which waits until the one before is over.
    next: Option<Bill>,
    bill: Option<Bill>,
    /// The next result is the end of the turn that is billed, not of a message of its history.
    asked: bool,
}

#[derive(Deserialize)]
struct ResultWire<'a> {
    #[serde(rename = "type", borrow)]
    kind: Text<'a>,
    total_cost_usd: Option<f64>,
}

impl Spending {
    /// What is asked next belongs on this bill.
    pub(crate) fn owe(&mut self, bill: Bill) {
        self.next = Some(bill);
    }

    /// The model was asked.
    pub(crate) fn asked(&mut self) {
        self.bill = self.next.take();
        self.asked = true;
    }

    /// Nothing will be told before the next turn.
    pub(crate) fn forget(&mut self) {
        self.bill = None;
    }

    /// Takes in a line of the program, if it tells of costs.
    pub(crate) fn observe(&mut self, line: &[u8]) {
        if !self.asked || line.starts_with(STREAM_EVENT) {
            return;
        }
        let told = serde_json::from_slice::<ResultWire<'_>>(line).ok();
        let result = told.filter(|line| line.kind.0 == "result");
        let Some(total_usd) = result.and_then(|result| result.total_cost_usd) else { return };
        let more = (total_usd - self.total_usd).max(0.0);
        self.total_usd = total_usd.max(self.total_usd);
        self.asked = false;
        if let Some(bill) = self.bill.take() {
            // Whoever wanted to know may have gone.
            let _ = bill.try_send((more * NANODOLLARS).round() / NANODOLLARS);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(total: f64) -> Vec<u8> {
        format!(r#"{{"duration_api_ms":1,"total_cost_usd":{total},"type":"result"}}"#).into_bytes()
    }

    /// What a turn is told that ends with this sum.
    async fn turn(spending: &mut Spending, total: f64) -> Option<f64> {
        let (bill, cost) = bill();
        spending.owe(bill);
        // A message of its history.
        spending.observe(&result(spending.total_usd));
        spending.asked();
        spending.observe(br#"{"type":"assistant","total_cost_usd":9}"#);
        spending.observe(&result(total));
        cost.usd().await
    }

    #[tokio::test]
    async fn each_turn_is_told_what_it_added_to_the_sum() {
        let mut spending = Spending::default();
        assert_eq!(turn(&mut spending, 0.000_128).await, Some(0.000_128));
        assert_eq!(turn(&mut spending, 0.000_274).await, Some(0.000_146));
        assert_eq!(turn(&mut spending, 0.000_274).await, Some(0.0));
    }

    #[tokio::test]
    async fn a_turn_that_comes_before_the_last_ones_cost_is_told_takes_nothing_from_it() {
        let mut spending = Spending::default();
        let ((first, cost), (second, later)) = (bill(), bill());
        spending.owe(first);
        spending.asked();
        spending.owe(second);
        spending.observe(&result(0.25));
        spending.asked();
        spending.observe(&result(0.75));
        assert_eq!((cost.usd().await, later.usd().await), (Some(0.25), Some(0.5)));
    }

    #[tokio::test]
    async fn what_is_not_told_at_the_calls_is_told_after_their_results() {
        let mut spending = Spending::default();
        let (first, cost) = bill();
        spending.owe(first);
        spending.asked();
        spending.forget();
        assert_eq!(cost.usd().await, None);
        assert_eq!(turn(&mut spending, 0.5).await, Some(0.5));
    }

    #[tokio::test]
    async fn a_process_that_is_gone_tells_nothing() {
        let mut spending = Spending::default();
        let (bill, cost) = bill();
        spending.owe(bill);
        drop(spending);
        assert_eq!(cost.usd().await, None);
    }
}
