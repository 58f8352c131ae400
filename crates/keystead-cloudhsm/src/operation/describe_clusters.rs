//! DescribeClusters: the clusters of the account, in the order in which they were made. Deleted ones are shown for a while.

use keystead_model::cloudhsm::{ClusterState, DescribeClustersRequest, DescribeClustersResponse};

use super::filters::{Field, check_fields, matches};
use super::{Scope, paging};
use crate::CloudHsm;
use crate::cluster::{Cluster, shown_cluster};
use crate::error::CloudHsmError;

/// How many are returned at most unless the caller says otherwise; the model's maximum.
const PAGE: u32 = 25;

const FIELDS: &[Field<Cluster>] = &[
    ("clusterIds", |cluster| vec![cluster.cluster_id.clone()]),
    ("vpcIds", |cluster| vec![cluster.vpc_id.clone()]),
    ("states", |cluster| vec![cluster.state.to_string()]),
];

pub(super) async fn serve(
    cloud_hsm: &CloudHsm,
    scope: &Scope,
    request: DescribeClustersRequest,
) -> Result<DescribeClustersResponse, CloudHsmError> {
    let filters = request.filters.unwrap_or_default();
    check_fields(&filters, FIELDS)?;
    if let Some(states) = filters.get("states") {
        super::filters::check_values("states", states, ClusterState::ALL)?;
    }
    let stored = cloud_hsm.records.list::<Cluster>(&scope.account).await?;
    let mut clusters: Vec<_> = stored.into_iter().map(|stored| stored.value).collect();
    clusters.retain(|cluster| matches(&filters, FIELDS, cluster));
    clusters.sort_by(|a, b| (a.created, &a.cluster_id).cmp(&(b.created, &b.cluster_id)));
    let token = request.next_token.as_deref();
    let page = paging::page(clusters, token, request.max_results.unwrap_or(PAGE), |cluster| &cluster.cluster_id)?;
    let shown = page.items.iter().map(|cluster| shown_cluster(cloud_hsm, cluster)).collect::<Result<_, _>>()?;
    Ok(DescribeClustersResponse { clusters: shown, next_token: page.next_token })
}
