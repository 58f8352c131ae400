//! DescribeBackups: the backups of the account. Unless asked otherwise the newest comes first (unverified).

use keystead_model::cloudhsm::{BackupState, DescribeBackupsRequest, DescribeBackupsResponse};

use super::filters::{Field, check_fields, matches};
use super::{Scope, paging};
use crate::CloudHsm;
use crate::backup::{Backup, shown_backup};
use crate::error::CloudHsmError;

/// How many are returned at most unless the caller says otherwise; the model's maximum.
const PAGE: u32 = 50;

const FIELDS: &[Field<Backup>] = &[
    ("backupIds", |backup| vec![backup.backup_id.clone()]),
    // None was copied from another Region.
    ("sourceBackupIds", |_| Vec::new()),
    ("clusterIds", |backup| vec![backup.cluster_id.clone()]),
    ("states", |backup| vec![backup.state.to_string()]),
    ("neverExpires", |backup| vec![backup.never_expires.to_string()]),
];

pub(super) async fn serve(
    cloud_hsm: &CloudHsm,
    scope: &Scope,
    request: DescribeBackupsRequest,
) -> Result<DescribeBackupsResponse, CloudHsmError> {
    let filters = request.filters.unwrap_or_default();
    check_fields(&filters, FIELDS)?;
    if let Some(states) = filters.get("states") {
        super::filters::check_values("states", states, BackupState::ALL)?;
    }
    // Nobody shares backups.
    let stored = match request.shared {
        Some(true) => Vec::new(),
        Some(false) | None => cloud_hsm.records.list::<Backup>(&scope.account).await?,
    };
    let mut backups: Vec<_> = stored.into_iter().map(|stored| stored.value).collect();
    backups.retain(|backup| matches(&filters, FIELDS, backup));
    backups.sort_by(|a, b| (a.created, &a.backup_id).cmp(&(b.created, &b.backup_id)));
    if request.sort_ascending != Some(true) {
        backups.reverse();
    }
    let token = request.next_token.as_deref();
    let page = paging::page(backups, token, request.max_results.unwrap_or(PAGE), |backup| &backup.backup_id)?;
    let region = &cloud_hsm.settings.region;
    let shown = page.items.iter().map(|backup| shown_backup(backup, &scope.account, region)).collect();
    Ok(DescribeBackupsResponse { backups: shown, next_token: page.next_token })
}
