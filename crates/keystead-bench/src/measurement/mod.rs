//! The measurements, one after another.

mod cloudhsm_key;
mod external_key;
mod fairness;
mod interleaved;
mod key_generation;
mod many_keys;
mod policies;
mod signing;
mod start;
mod throughput;

use std::path::Path;
use std::sync::Arc;

use crate::arguments::{MeasurementArguments, Part};
use crate::keystead::Keystead;
use crate::machine::Machine;
use crate::process::Processes;
use crate::report::{Measurement, Report};
use crate::{Failure, output};

/// The length of what is encrypted, in bytes.
const PLAINTEXT_BYTES: usize = 1024;

/// Measures, prints each table as it is ready, and writes the report.
pub(crate) fn run(arguments: &MeasurementArguments, processes: Arc<Processes>) -> Result<(), Failure> {
    let folder = arguments.output.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let work_folder = tempfile::Builder::new().prefix("work-").tempdir_in(folder.canonicalize()?)?;
    let keystead = Keystead::new(&arguments.keystead, processes, work_folder.path())?;

    let machine = Machine::here(work_folder.path())?;
    output::line(&machine.summary())?;
    let measurements = measure(arguments, &keystead)?;
    Report { machine, extent: arguments.extent().into(), measurements }.write(&arguments.output)?;
    output::line(&format!("\nWritten to {}", arguments.output.display()))?;
    Ok(())
}

fn measure(arguments: &MeasurementArguments, keystead: &Keystead) -> Result<Vec<Measurement>, Failure> {
    let extent = arguments.extent();
    let mut all = Vec::new();
    let mut add = |measurement: Measurement| {
        let printed = output::line(&measurement.table());
        all.push(measurement);
        printed
    };
    if arguments.measures(Part::Start) {
        start::measure(keystead, extent, &mut add)?;
    }
    if arguments.measures(Part::Throughput) {
        throughput::measure(keystead, extent, &mut add)?;
    }
    if arguments.measures(Part::ExternalKey) {
        external_key::measure(keystead, extent, &mut add)?;
    }
    if arguments.measures(Part::Signing) {
        signing::measure(keystead, extent, &mut add)?;
    }
    if arguments.measures(Part::KeyGeneration) {
        key_generation::measure(keystead, extent, &mut add)?;
    }
    if arguments.measures(Part::Fairness) {
        fairness::measure(keystead, extent, &mut add)?;
    }
    if arguments.measures(Part::Policies) {
        policies::measure(keystead, extent, &mut add)?;
    }
    if arguments.measures(Part::ManyKeys) {
        many_keys::measure(keystead, extent, &mut add)?;
    }
    if arguments.measures(Part::CloudhsmKey) {
        cloudhsm_key::measure(keystead, extent, &mut add)?;
    }
    Ok(all)
}

/// Takes a measurement that is ready.
type Add<'a> = dyn FnMut(Measurement) -> std::io::Result<()> + 'a;

/// What is encrypted: the same bytes each time, none of them special.
fn plaintext(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index * 31 % 251) as u8).collect()
}
