//! What an account may have in a Region (AWS CloudHSM User Guide, "Quotas"; digest 3.9).

/// Upper bounds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Quotas {
    /// Clusters of an account in a Region, deleted ones left out.
    pub clusters: usize,
    /// HSMs of an account in a Region, over all its clusters.
    pub hsms: usize,
    /// HSMs of one cluster.
    pub hsms_of_a_cluster: usize,
    /// Tags of one resource.
    pub tags: usize,
}

impl Default for Quotas {
    fn default() -> Self {
        Self { clusters: 4, hsms: 6, hsms_of_a_cluster: 28, tags: 50 }
    }
}
