//! The driver on the real `claude` program, which talks to the simulator.

#[cfg(test)]
mod account;
#[cfg(test)]
mod builtin;
#[cfg(test)]
mod failures;
#[cfg(test)]
mod fidelity;
#[cfg(test)]
mod going_on;
#[cfg(test)]
mod resumed;
#[cfg(test)]
mod spares;
#[cfg(test)]
mod starts;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tools;
