//! Policy documents against generated requests, and against a second evaluator.

#![allow(clippy::panic, clippy::print_stdout)]

mod agreement;
mod branches;
mod decision_properties;
mod disagreements;
mod explanation;
mod generator;
mod properties;
mod second_evaluator;
mod smaller;
