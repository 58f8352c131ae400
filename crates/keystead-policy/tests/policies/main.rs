//! Policy documents against generated requests, and against a second evaluator.

#![allow(clippy::panic, clippy::print_stdout)]

mod agreement;
mod bad_input;
mod bound_principals;
mod branches;
mod decision_properties;
mod disagreements;
mod documented_decisions;
mod explanation;
mod generator;
mod properties;
mod second_evaluator;
mod smaller;
