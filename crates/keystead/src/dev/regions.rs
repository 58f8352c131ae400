//! The Regions of the development server.

use keystead_model::arn::Region;

use crate::cli::DevArguments;

/// What is served beside the home Region unless other Regions are named: the first that is not the home Region itself.
const OTHER_REGION_DEFAULTS: [&str; 2] = ["eu-west-1", "us-east-1"];

/// The Regions of the development server: at least two, so that multi-Region keys can be tried.
pub(crate) struct Regions {
    /// The home Region, which `env` names.
    pub(crate) home: Region,
    /// The Regions besides.
    pub(crate) others: Vec<Region>,
}

impl Regions {
    /// As the command line says. A Region that it names twice the configuration refuses.
    pub(crate) fn of(arguments: &DevArguments) -> Self {
        let home = arguments.region.clone();
        let others = match &arguments.other_regions[..] {
            [] => OTHER_REGION_DEFAULTS
                .into_iter()
                .filter_map(Region::parse)
                .find(|other| *other != home)
                .into_iter()
                .collect(),
            named => named.to_vec(),
        };
        Self { home, others }
    }

    /// All of them, the home Region first.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Region> {
        std::iter::once(&self.home).chain(&self.others)
    }

    /// The names of the others as a value in a configuration file.
    pub(crate) fn others_as_toml(&self) -> String {
        let names: Vec<String> = self.others.iter().map(|region| format!("\"{region}\"")).collect();
        format!("[{}]", names.join(", "))
    }

    /// For people: `us-east-1 and eu-west-1`.
    pub(crate) fn for_people(&self) -> String {
        self.all().map(Region::as_str).collect::<Vec<_>>().join(" and ")
    }
}
