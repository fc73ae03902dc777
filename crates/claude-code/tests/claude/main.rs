//! The driver on the real `claude` program, which talks to the simulator.

#[cfg(test)]
mod failures;
#[cfg(test)]
mod fidelity;
#[cfg(test)]
mod support;
