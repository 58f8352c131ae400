//! How much there may be of what, and how often a second.

mod rate;
mod request;
mod resource;

pub use rate::RequestRate;
pub use request::{
    CUSTOM_KEY_STORE_REQUESTS_PER_SECOND, REQUEST_QUOTAS, RequestQuota, RequestQuotaSettings, RequestQuotas,
};
pub use resource::{ON_DEMAND_ROTATIONS_PER_KEY, ResourceQuotas, TAGS_PER_KEY, exceeded_message};
