//! The spares that are there, in the order they were started. Holds no lock across a wait.

use std::sync::{Mutex, PoisonError};

use super::spare::Spare;

#[derive(Debug, Default)]
pub(super) struct Shelf(Mutex<Vec<Spare>>);

impl Shelf {
    pub(super) fn put(&self, spare: Spare) {
        self.spares().push(spare);
    }

    /// Takes out a live spare of this model: a ready one if there is one, the youngest of those, so that surplus ages
    /// out.
    pub(super) fn take(&self, model: &str) -> Option<Spare> {
        let mut spares = self.spares();
        spares.retain(Spare::is_alive);
        let of_model = |spare: &Spare| spare.model == model;
        let ready = spares.iter().rposition(|spare| of_model(spare) && spare.is_ready());
        let found = ready.or_else(|| spares.iter().position(of_model))?;
        Some(spares.remove(found))
    }

    /// Takes out the spare that will be missed least: of a model with more than are wanted, else of the model wanted
    /// least. `None` when there is none.
    pub(super) fn least_wanted(&self, wanted: &[(String, usize)]) -> Option<Spare> {
        let mut spares = self.spares();
        spares.retain(Spare::is_alive);
        let surplus = surplus(&spares, wanted);
        let rank = |spare: &Spare| wanted.iter().position(|(model, _)| *model == spare.model);
        let last = || {
            let ranked = spares.iter().enumerate().map(|(at, spare)| (rank(spare).unwrap_or(usize::MAX), at));
            ranked.max().map(|(_, at)| at)
        };
        let found = surplus.or_else(last)?;
        Some(spares.remove(found))
    }

    /// Takes out one that is more than its model is wanted, the oldest first.
    pub(super) fn surplus(&self, wanted: &[(String, usize)]) -> Option<Spare> {
        let mut spares = self.spares();
        let found = surplus(&spares, wanted)?;
        Some(spares.remove(found))
    }

    /// The first model with fewer spares than wanted.
    pub(super) fn missing<'a>(&self, wanted: &'a [(String, usize)]) -> Option<&'a str> {
        let mut spares = self.spares();
        spares.retain(Spare::is_alive);
        let short = wanted.iter().find(|(model, count)| of_model(&spares, model) < *count);
        short.map(|(model, _)| model.as_str())
    }

    fn spares(&self) -> std::sync::MutexGuard<'_, Vec<Spare>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn of_model(spares: &[Spare], model: &str) -> usize {
    spares.iter().filter(|spare| spare.model == model).count()
}

fn surplus(spares: &[Spare], wanted: &[(String, usize)]) -> Option<usize> {
    let count = |model: &str| wanted.iter().find(|(found, _)| found == model).map_or(0, |(_, count)| *count);
    spares.iter().position(|spare| of_model(spares, &spare.model) > count(&spare.model))
}
