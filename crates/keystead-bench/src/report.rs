//! The figures: as a table for people and as JSON for programs.

use std::fmt::Write;
use std::path::Path;

use serde::Serialize;

use crate::Failure;
use crate::arguments::Extent;
use crate::load::Round;
use crate::machine::Machine;

/// All figures of one run.
#[derive(Serialize)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    pub(crate) extent: ExtentFacts,
    pub(crate) measurements: Vec<Measurement>,
}

/// How much was measured.
#[derive(Serialize)]
pub(crate) struct ExtentFacts {
    seconds_per_round: f64,
    rounds: u32,
    starts: u32,
    many_keys: usize,
}

impl From<Extent> for ExtentFacts {
    fn from(extent: Extent) -> Self {
        Self {
            seconds_per_round: extent.round.as_secs_f64(),
            rounds: extent.rounds,
            starts: extent.starts,
            many_keys: extent.many_keys,
        }
    }
}

/// One comparison: what was seen of each party, and the figures that follow.
#[derive(Serialize)]
pub(crate) struct Measurement {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) series: Vec<Series>,
    pub(crate) figures: Vec<Figure>,
}

/// One party under load; medians of the rounds.
#[derive(Serialize)]
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) requests_per_second: f64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    /// Processor time of the server's process for each request.
    pub(crate) server_cpu_us_per_request: f64,
}

impl Series {
    /// One round, of which the server's processor time is not known.
    pub(crate) fn of_round(name: &str, round: &Round) -> Self {
        Self {
            name: name.to_owned(),
            requests_per_second: round.requests_per_second(),
            p50_us: round.latencies.quantile_us(0.5),
            p99_us: round.latencies.quantile_us(0.99),
            server_cpu_us_per_request: 0.0,
        }
    }
}

/// A figure, and its goal if it has one.
#[derive(Serialize)]
pub(crate) struct Figure {
    pub(crate) name: String,
    pub(crate) value: f64,
    pub(crate) unit: Unit,
    #[serde(flatten)]
    pub(crate) goal: Option<Goal>,
    pub(crate) met: Option<bool>,
}

/// What a figure counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Unit {
    Ratio,
    Microseconds,
    Milliseconds,
    Megabytes,
}

/// What a figure is to be.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Goal {
    #[serde(rename = "goal_at_least")]
    AtLeast(f64),
    #[serde(rename = "goal_at_most")]
    AtMost(f64),
}

impl Figure {
    pub(crate) fn new(name: impl Into<String>, value: f64, unit: Unit, goal: Option<Goal>) -> Self {
        let met = goal.map(|goal| match goal {
            Goal::AtLeast(least) => value >= least,
            Goal::AtMost(most) => value <= most,
        });
        Self { name: name.into(), value, unit, goal, met }
    }

    fn line(&self) -> String {
        let mut line = format!("  {:<58}{:>12}", self.name, self.unit.show(self.value));
        let goal = self.goal.map(|goal| match goal {
            Goal::AtLeast(least) => format!("at least {}", self.unit.show(least)),
            Goal::AtMost(most) => format!("at most {}", self.unit.show(most)),
        });
        if let (Some(goal), Some(met)) = (goal, self.met) {
            let _ = write!(line, "   {} (goal: {goal})", if met { "met   " } else { "MISSED" });
        }
        line
    }
}

impl Unit {
    fn show(self, value: f64) -> String {
        match self {
            Self::Ratio => format!("{value:.2}"),
            Self::Microseconds => format!("{value:.0} us"),
            Self::Milliseconds => format!("{value:.1} ms"),
            Self::Megabytes => format!("{value:.1} MB"),
        }
    }
}

impl Measurement {
    /// The lines for people.
    pub(crate) fn table(&self) -> String {
        let mut lines = vec![String::new(), self.title.clone()];
        if !self.series.is_empty() {
            lines.push(format!(
                "  {:<30}{:>12}{:>12}{:>12}{:>18}",
                "", "requests/s", "p50 us", "p99 us", "server CPU us/req"
            ));
        }
        lines.extend(self.series.iter().map(|series| {
            format!(
                "  {:<30}{:>12.0}{:>12.0}{:>12.0}{:>18.0}",
                series.name, series.requests_per_second, series.p50_us, series.p99_us, series.server_cpu_us_per_request
            )
        }));
        lines.extend(self.figures.iter().map(Figure::line));
        lines.join("\n")
    }
}

impl Report {
    /// Writes the report as JSON.
    pub(crate) fn write(&self, file: &Path) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        std::fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()).into())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_goal_is_met_up_to_its_border() {
        let met = |value, goal| Figure::new("", value, Unit::Ratio, goal).met;
        assert_eq!(met(0.5, Some(Goal::AtLeast(0.5))), Some(true));
        assert_eq!(met(0.49, Some(Goal::AtLeast(0.5))), Some(false));
        assert_eq!(met(300.0, Some(Goal::AtMost(300.0))), Some(true));
        assert_eq!(met(300.1, Some(Goal::AtMost(300.0))), Some(false));
        assert_eq!(met(1.0, None), None);
    }

    #[test]
    fn json_has_goal_and_outcome() {
        let figure = Figure::new("added p50", 180.0, Unit::Microseconds, Some(Goal::AtMost(150.0)));
        let expected =
            json!({"name": "added p50", "value": 180.0, "unit": "microseconds", "goal_at_most": 150.0, "met": false});
        assert_eq!(serde_json::to_value(figure).unwrap(), expected);
        let without = Figure::new("x", 1.0, Unit::Megabytes, None);
        assert_eq!(
            serde_json::to_value(without).unwrap(),
            json!({"name": "x", "value": 1.0, "unit": "megabytes", "met": null})
        );
    }

    #[test]
    fn a_missed_goal_stands_out() {
        let figure = Figure::new("ready", 301.0, Unit::Milliseconds, Some(Goal::AtMost(300.0)));
        assert!(figure.line().ends_with("301.0 ms   MISSED (goal: at most 300.0 ms)"), "{}", figure.line());
    }
}
